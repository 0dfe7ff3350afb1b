//! What the secondaries' configuration files say.

use std::net::SocketAddr;
use std::path::Path;

use crate::Key;
use crate::secondary::Following;

pub(crate) fn nsd(directory: &Path, address: SocketAddr, following: Following<'_>) -> String {
    let Following { zone, primary, key, source } = following;
    let dir = directory.display();
    let (key_name, key_text) = match key {
        Some(Key { name, algorithm, secret }) => (
            name.as_str(),
            format!("key:\n  name: \"{name}\"\n  algorithm: {algorithm}\n  secret: \"{secret}\"\n"),
        ),
        None => ("NOKEY", String::new()),
    };
    let source = source.map(|source| format!("  outgoing-interface: {source}\n")).unwrap_or_default();
    format!(
        "server:\n  ip-address: {at}\n  username: \"\"\n  chroot: \"\"\n  zonesdir: \"{dir}\"\n  database: \"\"\n  \
         zonelistfile: \"{dir}/zone.list\"\n  pidfile: \"{dir}/nsd.pid\"\n  xfrdfile: \"{dir}/xfrd.state\"\n  \
         xfrdir: \"{dir}\"\n  server-count: 1\n  verbosity: 2\n  xfrd-reload-timeout: 0\n\
         remote-control:\n  control-enable: no\n{key_text}\
         zone:\n  name: \"{zone}\"\n  zonefile: \"zone\"\n  request-xfr: {from} {key_name}\n  \
         allow-notify: {ip} {key_name}\n  provide-xfr: 127.0.0.1 NOKEY\n{source}",
        at = at(address),
        from = at(primary),
        ip = primary.ip(),
    )
}

pub(crate) fn knot(directory: &Path, address: SocketAddr, following: Following<'_>) -> String {
    let Following { zone, primary, key, source } = following;
    let dir = directory.display();
    let (key_line, key_text) = match key {
        Some(Key { name, algorithm, secret }) => (
            format!("    key: {name}\n"),
            format!("key:\n  - id: {name}\n    algorithm: {algorithm}\n    secret: \"{secret}\"\n"),
        ),
        None => Default::default(),
    };
    let via = source.map(|source| format!("    via: {source}\n")).unwrap_or_default();
    format!(
        "server:\n  rundir: \"{dir}\"\n  listen: {at}\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n\
         log:\n  - target: stderr\n    any: info\n\
         database:\n  storage: \"{dir}\"\n  journal-db-max-size: 1G\n  journal-db-mode: asynchronous\n{key_text}\
         remote:\n  - id: primary\n    address: {from}\n{key_line}{via}\
         acl:\n  - id: notify\n    address: {ip}\n{key_line}    action: notify\n\
         \x20 - id: look\n    address: 127.0.0.1\n    action: transfer\n\
         zone:\n  - domain: {zone}\n    storage: \"{dir}\"\n    file: zone\n    master: primary\n    \
         acl: [notify, look]\n    zonefile-sync: -1\n",
        at = at(address),
        from = at(primary),
        ip = primary.ip(),
    )
}

pub(crate) fn bind(directory: &Path, address: SocketAddr, following: Following<'_>) -> String {
    let Following { zone, primary, key, source } = following;
    let dir = directory.display();
    let (key_name, key_text) = match key {
        Some(Key { name, algorithm, secret }) => (
            format!("key \"{name}\""),
            format!("key \"{name}\" {{ algorithm {algorithm}; secret \"{secret}\"; }};\n"),
        ),
        None => Default::default(),
    };
    let source = source.map(|source| format!("transfer-source {source};")).unwrap_or_default();
    format!(
        "options {{ directory \"{dir}\"; listen-on port {port} {{ {own}; }}; listen-on-v6 {{ none; }}; recursion no; \
         dnssec-validation no; empty-zones-enable no; notify no; pid-file none; \
         session-keyfile \"{dir}/session.key\"; managed-keys-directory \"{dir}\"; }};\ncontrols {{ }};\n{key_text}\
         zone \"{zone}\" {{ type secondary; file \"zone\"; primaries port {primary_port} {{ {ip} {key_name}; }}; \
         allow-transfer {{ 127.0.0.1; }}; {source} }};\n",
        port = address.port(),
        own = address.ip(),
        primary_port = primary.port(),
        ip = primary.ip(),
    )
}

/// As NSD and Knot write an address with its port.
fn at(address: SocketAddr) -> String {
    format!("{}@{}", address.ip(), address.port())
}

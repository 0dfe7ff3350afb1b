//! Every problem of a spec is named with its line, its column and what to do about it.

use dnsplan_planner::{Intent, SpecError};

/// The rows below begin after this; its four lines are right.
const HEAD: &str =
    "[zone.\"example.\"]\nns = [\"ns1\"]\n[pool.blue]\nmembers = [{ id = \"b1\", ipv4 = \"192.0.2.1\" }]\n";

fn errors(spec: &str) -> Vec<SpecError> {
    Intent::parse(spec).expect_err("the spec has problems").errors().to_vec()
}

/// Asserts that `rest`, after the head, has one problem: at `line:column` (line 1 is the first of `rest`), with these words.
#[track_caller]
fn one(rest: &str, place: &str, message: &str, remedy: &str) {
    let found = errors(&format!("{HEAD}{rest}\n"));
    assert_eq!(found.len(), 1, "{found:#?}");
    let SpecError { line, column, message: said, remedy: advised } = &found[0];
    assert_eq!(format!("{}:{column}", *line as i64 - 4), place, "{found:#?}");
    assert!(said.contains(message), "{said:?} does not say {message:?}");
    assert!(advised.contains(remedy), "{advised:?} does not say {remedy:?}");
}

#[test]
fn the_head_alone_is_right() {
    Intent::parse(HEAD).unwrap();
}

#[test]
fn syntax() {
    one("[[record]]\nname = www", "2:8", "syntax", "quotes");
    one("[pool.blue]", "1:7", "syntax: duplicate key at `blue`", "given once");
    let eof = errors("[zone");
    assert_eq!(eof[0].line, 1);
    // Broken syntax hides the rest: what recovery guesses raises no further problems.
    assert!(
        errors("[zone.\"example.\"]\nttl = \nnss = 1")
            .iter()
            .all(|error| error.message.starts_with("syntax"))
    );
}

#[test]
fn unknown_keys() {
    one(
        "[[record]]\nname = \"a\"\ntype = \"A\"\ndatum = 1\ndata = \"192.0.2.1\"",
        "4:1",
        "unknown key `datum` in record",
        "`data`",
    );
    one("[[recrod]]\nname = \"a\"", "1:3", "unknown table or key `recrod`", "did you mean `record`?");
    one(
        "[pool.green]\nmembers = [{ id = \"g\", ipv4 = \"192.0.2.2\", wieght = 1 }]",
        "2:44",
        "`wieght`",
        "`weight`",
    );
    one("[guards]\nmax_removals = 1", "2:1", "`max_removals`", "`max_removal`");
    one("[guards]\nmax_removal = { shares = 1 }", "2:17", "`shares`", "`share`");
    let zone = errors("[zone.\"example.\"]\nns = [\"ns1\"]\nsoa = { mnam = \"ns1\" }\n");
    assert_eq!((zone[0].line, zone[0].column), (3, 9));
    assert_eq!(zone[0].remedy, "did you mean `mname`?");
}

#[test]
fn addresses() {
    one(
        "[pool.green]\nmembers = [{ id = \"g\", ipv4 = \"192.0.2.256\" }]",
        "2:31",
        "\"192.0.2.256\" is no ipv4 address",
        "192.0.2.1",
    );
    one(
        "[pool.green]\nmembers = [{ id = \"g\", ipv6 = \"192.0.2.1\" }]",
        "2:31",
        "is no ipv6 address",
        "2001:db8::1",
    );
    one("[pool.green]\nmembers = [{ id = \"g\" }]", "2:12", "no address", "ipv4");
    one(
        "[[record]]\nname = \"a\"\ntype = \"A\"\ndata = [\"192.0.2.1\",\n\"192.0.2.x\"]",
        "5:1",
        "\"192.0.2.x\" is no A data",
        "192.0.2.1",
    );
    one("[[record]]\nname = \"a\"\ntype = \"A\"\ndata = \"192.0.2.1 192.0.2.2\"", "4:8", "is no A data", "");
}

#[test]
fn names() {
    let record = |name: &str| format!("[[record]]\ntype = \"A\"\nname = \"{name}\"\ndata = \"192.0.2.1\"");
    one(&record("a..b"), "3:8", "a..b", "labels");
    one(&record(&"a".repeat(64)), "3:8", "is no domain name", "63");
    one(&record("www.other."), "3:8", "www.other. lies outside the zone example.", "relative");
    one(&record("www.example"), "3:8", "no final dot", "\"www.example.\"");
    one(&record("w ww"), "3:8", "is no domain name", "");
    one("[[endpoint]]\nname = \"api.other.\"\npools = { blue = 1 }", "2:8", "outside the zone", "");
    one("[[retire]]\nname = \"api.other.\"\nreason = \"r\"", "2:8", "outside the zone", "");
    let zone = errors("[zone.\"exa..mple.\"]\nns = [\"ns1\"]\n");
    assert!(zone[0].message.contains("is no zone's name"), "{zone:?}");
}

#[test]
fn names_among_several_zones() {
    let zones = "[zone.\"a.example.\"]\nns = [\"ns1\"]\n[zone.\"b.example.\"]\nns = [\"ns1\"]\n";
    let record = |rest: &str| format!("{zones}[[record]]\n{rest}\ntype = \"A\"\ndata = \"192.0.2.1\"\n");
    let relative = errors(&record("name = \"www\""));
    assert!(
        relative[0].message.contains("any of 2 zones")
            && relative[0].remedy.contains("zone = \"a.example.\"")
    );
    let strange = errors(&record("name = \"www.c.example.\""));
    assert!(strange[0].message.contains("outside every zone"));
    let unknown = errors(&record("name = \"www\"\nzone = \"c.example.\""));
    assert_eq!(unknown.len(), 1);
    assert_eq!(
        (unknown[0].line, unknown[0].remedy.as_str()),
        (7, "zones of this spec: a.example., b.example.")
    );
    Intent::parse(&record("name = \"www.b.example.\"")).unwrap();
    Intent::parse(&record("name = \"www\"\nzone = \"b.example\"")).unwrap();
}

#[test]
fn duplicates() {
    let record = "[[record]]\nname = \"a\"\ntype = \"A\"\ndata = \"192.0.2.1\"\n";
    one(
        &format!("{record}{}", record.replace("\"a\"", "\"A.example.\"")),
        "6:8",
        "duplicate: a.example. A is already in line 6",
        "",
    );
    let endpoint = "[[endpoint]]\nname = \"a\"\npools = { blue = 1 }\n";
    one(&format!("{endpoint}{endpoint}"), "5:8", "duplicate: a.example. A", "");
    one(&format!("{record}{endpoint}"), "2:8", "duplicate: a.example. A", "");
    one(
        "[pool.g]\nmembers = [\n{ id = \"x\", ipv4 = \"192.0.2.1\" },\n{ id = \"x\", ipv4 = \"192.0.2.2\" }]",
        "4:8",
        "already has the member x, in line 7",
        "",
    );
    one(
        "[pool.g]\nmembers = [\n{ id = \"x\", ipv4 = \"192.0.2.1\" },\n{ id = \"y\", ipv4 = \"192.0.2.1\" }]",
        "4:20",
        "already has the address 192.0.2.1",
        "",
    );
    let retire = "[[retire]]\nname = \"old\"\nreason = \"r\"\n";
    one(&format!("{retire}{retire}"), "5:8", "retired twice", "");
    let lifted = "[[override]]\nguard = \"root-ns\"\nreason = \"r\"\nexpires = \"2026-12-01T00:00:00Z\"\n";
    one(&format!("{lifted}{lifted}"), "6:9", "duplicate: root-ns", "");
    let zones = errors("[zone.\"example.\"]\nns = [\"ns1\"]\n[zone.\"EXAMPLE\"]\nns = [\"ns1\"]\n");
    assert!(zones.iter().any(|error| error.message.contains("is there twice")));
}

#[test]
fn types_and_data() {
    let record =
        |kind: &str, data: &str| format!("[[record]]\nname = \"a\"\ntype = \"{kind}\"\ndata = {data}");
    one(&record("A", "\"2001:db8::1\""), "4:8", "is no A data", "192.0.2.1");
    one(&record("MX", "\"mail\""), "4:8", "is no MX data", "10 mail");
    one(&record("SRV", "\"1 2 3\""), "4:8", "is no SRV data", "");
    one(&record("CAA", "\"x\""), "4:8", "CAA", "issue");
    one(&record("CNAME", "[\"b\", \"c\"]"), "4:8", "one target", "endpoint");
    one(&record("A", "[]"), "4:8", "no data", "");
    one(&record("A", "[5]"), "4:9", "`data` is an integer", "quotes");
    one(&record("A", "5"), "4:8", "`data` is an integer", "quotes");
    one(&record("AA", "\"192.0.2.1\""), "3:8", "\"AA\" is no record type", "AAAA");
    one(&record("aaaa", "\"2001:db8::1\""), "3:8", "\"aaaa\"", "write \"AAAA\"");
    one(&record("SOA", "\"x\""), "3:8", "\"SOA\"", "soa = {");
    one(
        "[[record]]\nname = \"@\"\ntype = \"NS\"\ndata = \"ns9\"",
        "3:8",
        "name servers of the zone",
        "ns = [",
    );
    one("[[record]]\nname = \"a\"\ntype = \"A\"", "1:1", "record has no `data`", "add `data");
}

#[test]
fn cname_beside_other_data() {
    let cname = "[[record]]\nname = \"a\"\ntype = \"CNAME\"\ndata = \"b\"\n";
    let text = "[[record]]\nname = \"a\"\ntype = \"TXT\"\ndata = \"x\"\n";
    one(&format!("{cname}{text}"), "6:8", "a.example. has a CNAME and TXT (line 6)", "remove");
    one(&format!("{text}{cname}"), "6:8", "a CNAME stands alone", "");
    one(
        &format!("[[endpoint]]\nname = \"a\"\npools = {{ blue = 1 }}\n{cname}"),
        "5:8",
        "a CNAME stands alone",
        "",
    );
    one("[[record]]\nname = \"@\"\ntype = \"CNAME\"\ndata = \"b\"\n", "2:8", "a CNAME stands alone", "");
}

#[test]
fn ttls_and_numbers() {
    let record =
        |ttl: &str| format!("[[record]]\nname = \"a\"\ntype = \"A\"\ndata = \"192.0.2.1\"\nttl = {ttl}");
    one(&record("2147483648"), "5:7", "no duration", "\"5m\"");
    one(&record("-1"), "5:7", "no duration", "");
    one(&record("\"5 minutes\""), "5:7", "no duration", "");
    one(&record("1.5"), "5:7", "is a float", "300");
    let member = |rest: &str| format!("[pool.g]\nmembers = [{{ id = \"x\", ipv4 = \"192.0.2.1\", {rest} }}]");
    one(&member("weight = 256"), "2:53", "out of range", "0 to 255");
    one(&member("weight = -1"), "2:53", "out of range", "");
    one(&member("capacity = 0"), "2:55", "out of range", "1 to");
    one("[pool.g]\nmembers = []\nmin_healthy = 1.5", "3:15", "no share", "0.5");
    one("[guards]\nttl_bounds = { min = 10, max = 5 }", "2:14", "min 10 is above max 5", "");
    let mixed = "[pool.g]\nmembers = [\n{ id = \"x\", ipv4 = \"192.0.2.1\", capacity = 5 },\n{ id = \"y\", ipv4 = \"192.0.2.2\" }]";
    one(mixed, "4:1", "no `capacity`", "every member");
}

#[test]
fn endpoints() {
    let endpoint = |rest: &str| format!("[[endpoint]]\nname = \"api\"\n{rest}");
    one(&endpoint("pools = { bleu = 1 }"), "3:11", "no pool \"bleu\"", "did you mean `blue`?");
    one(&endpoint("pools = {}"), "3:9", "no pools", "at least one");
    one(&endpoint(""), "1:1", "endpoint has no `pools`", "");
    one(&endpoint("pools = { blue = 1001 }"), "3:18", "out of range", "0 to 1000");
    one(&endpoint("pools = { blue = 1 }\nfamilies = [\"ipv5\"]"), "4:13", "\"ipv5\"", "\"ipv6\"");
    one(&endpoint("pools = { blue = 1 }\nfamilies = []"), "1:1", "`families` is empty", "");
    let policies = "use \"weighted\", \"multivalue\" or \"all\"";
    one(&endpoint("pools = { blue = 1 }\npolicy = \"best\""), "4:10", "no policy \"best\"", policies);
    one(&endpoint("pools = { blue = 1 }\nprotected = \"yes\""), "4:13", "is a string", "true or false");
    one(&endpoint("pools = { blue = 1 }\nat_least = 0"), "4:12", "out of range", "");
}

#[test]
fn health_checks() {
    let member =
        |rest: &str| format!("[pool.g]\nmembers = [\n{{ id = \"x\", ipv4 = \"192.0.2.1\",\n{rest} }}]");
    let of = |id: &str| member(&format!("health_check = \"{id}\""));
    for bad in ["", "two words", "ü", "\\u001b", &"x".repeat(65)] {
        one(&of(bad), "4:16", "is no id of a health check", "1 to 64 visible ASCII characters");
    }
    one(&member("health_check = 5"), "4:16", "`health_check` is an integer", "quotes");
    one(&member("health-check = \"x\""), "4:1", "`health-check`", "did you mean `health_check`?");
    Intent::parse(&format!("{HEAD}{}", of(&"x".repeat(64)))).unwrap();
}

#[test]
fn rules() {
    let lifted = |guard: &str, expires: &str| {
        format!("[[override]]\nguard = \"{guard}\"\nreason = \"r\"\nexpires = {expires}")
    };
    one(
        &lifted("never-empty", "\"2026-12-01T00:00:00Z\""),
        "2:9",
        "cannot be overridden",
        "retire it by name",
    );
    one(
        &lifted("max-removals", "\"2026-12-01T00:00:00Z\""),
        "2:9",
        "no guard \"max-removals\"",
        "`max-removal`",
    );
    one(&lifted("max-removal", "\"tomorrow\""), "4:11", "no point in time", "2026-12-01T00:00:00Z");
    one(&lifted("max-removal", "2026-12-01"), "4:11", "no point in time", "offset");
    one(&lifted("max-removal", "2026-12-01T00:00:00"), "4:11", "no point in time", "");
    one(
        "[[override]]\nguard = \"root-ns\"\nreason = \" \"\nexpires = 2026-12-01T00:00:00Z",
        "3:10",
        "reason is empty",
        "",
    );
    one(
        "[[override]]\nguard = \"root-ns\"\nexpires = 2026-12-01T00:00:00Z",
        "1:1",
        "override has no `reason`",
        "",
    );
    let both =
        "[[endpoint]]\nname = \"api\"\npools = { blue = 1 }\n[[retire]]\nname = \"api\"\nreason = \"r\"";
    one(both, "5:8", "retired here and protected in line 6", "");
}

#[test]
fn zones() {
    assert_eq!(errors("")[0].message, "the spec has no zone");
    assert!(errors("[zone.\"example.\"]\n")[0].message.contains("has no `ns`"));
    assert!(errors("[zone.\"example.\"]\nns = []\n")[0].message.contains("no name server"));
    let mail = errors("[zone.\"example.\"]\nns = [\"ns1\"]\nsoa = { rname = \"dns@example.net\" }\n");
    assert_eq!(mail[0].remedy, "write \"dns.example.net.\": a dot for the @");
}

#[test]
fn all_problems_are_named_at_once_in_order() {
    let spec = "[[record]]\nname = \"a\"\ntype = \"A\"\ndata = \"x\"\nttl = \"soon\"\n[[endpoint]]\nname = \"api\"\npools = { red = 1 }\n";
    let found = errors(&format!("{HEAD}{spec}"));
    let places: Vec<(usize, usize)> = found.iter().map(|error| (error.line, error.column)).collect();
    assert_eq!(places, [(8, 8), (9, 7), (12, 11)]);
    let rendered = Intent::parse(&format!("{HEAD}{spec}")).unwrap_err().render("cell.toml");
    assert!(
        rendered.starts_with("cell.toml:8:8: error: \"x\" is no A data\n  help: write data"),
        "{rendered}"
    );
    assert_eq!(rendered.lines().count(), 6);
}

#[test]
fn columns_count_characters() {
    let found = errors("[zone.\"example.\"]\nns = [\"ns1\"]\nsoa = { rname = \"ü@ü\", ttl = \"ü\" }\n");
    assert_eq!(found.iter().map(|error| error.column).collect::<Vec<_>>(), [17, 30]);
}

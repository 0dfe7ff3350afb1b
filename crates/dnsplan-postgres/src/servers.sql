-- Where a scope moves between servers: which of them an epoch is open on, and what each of them is. After schema.sql.

-- The last canary of each scope: the newest epoch that was written under, by whoever opened it.
CREATE TABLE IF NOT EXISTS dnsplan_fence.canary (
    scope text PRIMARY KEY REFERENCES dnsplan_fence.floor,
    epoch bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

-- How many writes were refused because their epoch is over, or open elsewhere. A sequence, as it keeps what a refusal rolls back.
CREATE SEQUENCE IF NOT EXISTS dnsplan_fence.refused MINVALUE 0 START 1;

-- The timeline that this server writes.
CREATE OR REPLACE FUNCTION dnsplan_fence.timeline() RETURNS bigint
LANGUAGE sql VOLATILE STRICT
RETURN ('x' || substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 1, 8))::bit(32)::bigint;

-- The refusal of a server that is not the writer: its client has to find the one that is.
CREATE OR REPLACE FUNCTION dnsplan_fence.refuse_here(scope text, epoch bigint, why text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'FE004',
        MESSAGE = format('%s is not written here under epoch %s: %s', scope, coalesce(epoch::text, '(none)'), why),
        HINT = 'Connect anew by the name of the writer''s endpoint.';
END $$;

-- The epoch that is open on this server, for programs that have no other way to learn it: once for each connection, not for each
-- transaction, so that a connection that outlives its epoch is refused.
CREATE OR REPLACE FUNCTION dnsplan_fence.open_epoch(scope text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    here dnsplan_fence.floor;
BEGIN
    IF pg_is_in_recovery() THEN
        PERFORM dnsplan_fence.refuse_here(scope, NULL, 'this server is a replica');
    END IF;
    SELECT f.* INTO here FROM dnsplan_fence.floor f WHERE f.scope = scope;
    IF here.open_epoch IS NULL OR here.open_epoch < here.lowest OR here.open_timeline <> dnsplan_fence.timeline() THEN
        PERFORM dnsplan_fence.refuse_here(scope, here.open_epoch, 'no epoch is open on this server');
    END IF;
    RETURN here.open_epoch;
END $$;

-- Opens an epoch on this server, on the timeline that it was granted on. Only the node that was granted the epoch is told to, after
-- the grant. To do so again changes nothing.
CREATE OR REPLACE FUNCTION dnsplan_fence.open(scope text, epoch bigint, timeline bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    floor bigint;
BEGIN
    PERFORM dnsplan_fence.be_durable();
    PERFORM dnsplan_fence.require_granted(scope, epoch);
    PERFORM pg_advisory_xact_lock(dnsplan_fence.lock_of(scope));
    IF timeline <> dnsplan_fence.timeline() THEN
        RAISE EXCEPTION USING ERRCODE = 'FE004',
            MESSAGE = format('epoch %s of %s was granted to timeline %s of this server, which is on %s now', epoch, scope, timeline,
                             dnsplan_fence.timeline()),
            HINT = 'It was promoted since. Hand the role over: a new epoch may be opened here.';
    END IF;
    SELECT f.lowest INTO floor FROM dnsplan_fence.floor f WHERE f.scope = scope;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'FE002', MESSAGE = format('nothing is known of %s here', scope),
            HINT = 'dnsplan_fence.guard(table, scope) makes a scope known.';
    END IF;
    IF epoch < floor THEN
        RAISE EXCEPTION USING ERRCODE = 'FE001',
            MESSAGE = format('epoch %s of %s is over: nothing below %s is accepted', epoch, scope, floor),
            DETAIL = floor::text, HINT = 'Load the record: it is at a later epoch.';
    END IF;
    UPDATE dnsplan_fence.floor f SET lowest = epoch, open_epoch = epoch, open_timeline = timeline
    WHERE f.scope = scope;
END $$;

-- Writes a canary under an epoch, as any other write.
CREATE OR REPLACE FUNCTION dnsplan_fence.sing(scope text, epoch bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    PERFORM dnsplan_fence.be_durable();
    PERFORM dnsplan_fence.enter(scope, epoch);
    INSERT INTO dnsplan_fence.canary AS c VALUES (scope, epoch)
    ON CONFLICT ON CONSTRAINT canary_pkey DO UPDATE SET epoch = greatest(c.epoch, excluded.epoch), at = excluded.at;
END $$;

-- What this server is, at this moment, to whoever hands the scope over. A replica answers, too.
CREATE OR REPLACE FUNCTION dnsplan_fence.look(
    scope text, OUT system text, OUT is_replica boolean, OUT timeline bigint, OUT at pg_lsn, OUT is_fed boolean, OUT lowest bigint,
    OUT open_epoch bigint, OUT open_timeline bigint, OUT sealed_epoch bigint, OUT sealed_at pg_lsn, OUT canary bigint,
    OUT refused bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    SELECT c.system_identifier::text INTO system FROM pg_control_system() c;
    is_replica := pg_is_in_recovery();
    IF is_replica THEN
        timeline := (SELECT r.received_tli FROM pg_stat_wal_receiver r);
        is_fed := EXISTS (SELECT FROM pg_stat_wal_receiver r WHERE r.status = 'streaming');
        at := pg_last_wal_replay_lsn();
    ELSE
        timeline := dnsplan_fence.timeline();
        is_fed := false;
        at := pg_current_wal_insert_lsn();
    END IF;
    SELECT f.lowest, f.open_epoch, f.open_timeline INTO lowest, open_epoch, open_timeline
    FROM dnsplan_fence.floor f WHERE f.scope = scope;
    SELECT s.epoch, s.position INTO sealed_epoch, sealed_at
    FROM dnsplan_fence.seal s WHERE s.scope = scope ORDER BY s.epoch DESC LIMIT 1;
    SELECT c.epoch INTO canary FROM dnsplan_fence.canary c WHERE c.scope = scope;
    SELECT CASE WHEN r.is_called THEN r.last_value ELSE 0 END INTO refused FROM dnsplan_fence.refused r;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA dnsplan_fence FROM PUBLIC;

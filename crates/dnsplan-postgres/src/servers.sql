-- Where a scope moves between servers: which of them an epoch is open on, and what each of them is. After schema.sql.

-- The last canary of each scope: the newest epoch that was written under, by whoever opened it.
CREATE TABLE IF NOT EXISTS dnsplan_fence.canary (
    scope text PRIMARY KEY REFERENCES dnsplan_fence.floor,
    epoch bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

-- How many writes were refused because their epoch is over, or open elsewhere. A sequence, as it keeps what a refusal rolls back.
CREATE SEQUENCE IF NOT EXISTS dnsplan_fence.refused MINVALUE 0 START 1;

CREATE OR REPLACE FUNCTION dnsplan_fence.count_refusal() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('transaction_read_only') = 'off' THEN
        PERFORM nextval('dnsplan_fence.refused');
    END IF;
END $$;

-- A server moves as a whole: a role that moves is the only one of its database.
CREATE OR REPLACE FUNCTION dnsplan_fence.require_alone(scope text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    other text;
BEGIN
    SELECT f.scope INTO other FROM dnsplan_fence.floor f
    WHERE f.scope <> scope AND EXISTS (SELECT FROM dnsplan_fence.floor m WHERE m.open_epoch IS NOT NULL) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'FE002',
            MESSAGE = format('%s is in this database, too, and would not move with %s', other, scope),
            HINT = 'A server moves as a whole: guard the tables of both under one scope.';
    END IF;
END $$;

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

-- Where a scope moves between servers, epochs follow one another: what is sealed or opened at a server is the one after what was sealed
-- in the log that it has.
CREATE OR REPLACE FUNCTION dnsplan_fence.require_next(scope text, epoch bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    floor bigint;
BEGIN
    SELECT f.lowest INTO floor FROM dnsplan_fence.floor f WHERE f.scope = scope AND f.open_epoch IS NOT NULL;
    IF FOUND AND epoch > greatest(floor, 1) THEN
        RAISE EXCEPTION USING ERRCODE = 'FE002',
            MESSAGE = format('epoch %s of %s cannot follow here: this server has no seal of %s', epoch, scope, epoch - 1),
            HINT = 'Epochs come from the record, one after the other.';
    END IF;
END $$;

-- Where a scope moves between servers, what became of an epoch's writes is known where that epoch or a later one is open, or was
-- sealed in the log that the server has.
CREATE OR REPLACE FUNCTION dnsplan_fence.require_history(scope text, epoch bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    PERFORM FROM dnsplan_fence.floor f WHERE f.scope = scope AND f.open_epoch IS NOT NULL
        AND NOT (f.open_epoch >= epoch AND f.open_start IS NOT DISTINCT FROM pg_postmaster_start_time());
    IF FOUND AND NOT EXISTS (SELECT FROM dnsplan_fence.seal s WHERE s.scope = scope AND s.epoch >= epoch) THEN
        PERFORM dnsplan_fence.refuse_here(scope, epoch, 'what became of its writes is not known here');
    END IF;
END $$;

-- From now on the scope moves between servers: nothing is accepted anywhere before an epoch is opened. To do so again changes nothing.
CREATE OR REPLACE FUNCTION dnsplan_fence.move(scope text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    INSERT INTO dnsplan_fence.floor VALUES (scope, 0) ON CONFLICT DO NOTHING;
    UPDATE dnsplan_fence.floor f SET open_epoch = 0, open_timeline = 0 WHERE f.scope = scope AND f.open_epoch IS NULL;
    PERFORM dnsplan_fence.require_alone(scope);
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
    IF here.open_epoch IS NULL OR here.open_epoch < here.lowest OR here.open_start IS DISTINCT FROM pg_postmaster_start_time() THEN
        PERFORM dnsplan_fence.refuse_here(scope, here.open_epoch, 'no epoch is open on this server');
    END IF;
    RETURN here.open_epoch;
END $$;

-- Opens an epoch on this server, on the timeline that it was granted on, until it is started anew. Only the node that was granted the
-- epoch is told to, after the grant. To do so again changes nothing, or opens it again after a start.
CREATE OR REPLACE FUNCTION dnsplan_fence.open(scope text, epoch bigint, timeline bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    here dnsplan_fence.floor;
BEGIN
    PERFORM dnsplan_fence.be_durable();
    PERFORM dnsplan_fence.require_granted(scope, epoch);
    PERFORM dnsplan_fence.require_next(scope, epoch);
    -- Opened again after a start: nobody has entered since, but for prepared transactions, which were let in under this very epoch.
    -- A seal that comes in between has raised the floor, or waits for this row.
    UPDATE dnsplan_fence.floor f SET open_start = pg_postmaster_start_time()
    WHERE f.scope = scope AND f.open_epoch = epoch AND f.open_timeline = timeline AND f.lowest <= epoch
      AND timeline = dnsplan_fence.timeline();
    IF FOUND THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(dnsplan_fence.lock_of(scope));
    SELECT f.* INTO here FROM dnsplan_fence.floor f WHERE f.scope = scope;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'FE002', MESSAGE = format('nothing is known of %s here', scope),
            HINT = 'dnsplan_fence.guard(table, scope) makes a scope known.';
    END IF;
    IF epoch < here.lowest THEN
        RAISE EXCEPTION USING ERRCODE = 'FE001',
            MESSAGE = format('epoch %s of %s is over: nothing below %s is accepted', epoch, scope, here.lowest),
            DETAIL = here.lowest::text, HINT = 'It was sealed here: a new epoch may be opened.';
    END IF;
    IF timeline <> dnsplan_fence.timeline() OR (here.open_epoch = epoch AND here.open_timeline <> timeline) THEN
        RAISE EXCEPTION USING ERRCODE = 'FE004',
            MESSAGE = format('epoch %s of %s was granted to timeline %s of this server, which is on %s now, or was opened elsewhere',
                             epoch, scope, timeline, dnsplan_fence.timeline()),
            HINT = 'It was promoted since. Hand the role over: a new epoch may be opened here.';
    END IF;
    UPDATE dnsplan_fence.floor f
    SET lowest = epoch, open_epoch = epoch, open_timeline = timeline, open_start = pg_postmaster_start_time()
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
    scope text, OUT system text, OUT started text, OUT is_replica boolean, OUT timeline bigint, OUT at pg_lsn, OUT is_fed boolean,
    OUT is_held boolean, OUT lowest bigint, OUT open_epoch bigint, OUT open_timeline bigint, OUT is_open boolean,
    OUT sealed_epoch bigint, OUT sealed_at pg_lsn, OUT canary bigint, OUT refused bigint, OUT prepared text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    SELECT c.system_identifier::text INTO system FROM pg_control_system() c;
    started := pg_postmaster_start_time()::text;
    is_replica := pg_is_in_recovery();
    IF is_replica THEN
        timeline := (SELECT r.received_tli FROM pg_stat_wal_receiver r);
        is_fed := EXISTS (SELECT FROM pg_stat_wal_receiver r WHERE r.status = 'streaming');
        is_held := pg_is_wal_replay_paused() OR current_setting('recovery_min_apply_delay') <> '0';
        at := pg_last_wal_replay_lsn();
    ELSE
        timeline := dnsplan_fence.timeline();
        is_fed := false;
        is_held := false;
        at := pg_current_wal_insert_lsn();
    END IF;
    SELECT f.lowest, f.open_epoch, f.open_timeline,
           NOT is_replica AND f.open_epoch >= greatest(f.lowest, 1) AND f.open_start IS NOT DISTINCT FROM pg_postmaster_start_time()
    INTO lowest, open_epoch, open_timeline, is_open
    FROM dnsplan_fence.floor f WHERE f.scope = scope;
    SELECT s.epoch, s.position INTO sealed_epoch, sealed_at
    FROM dnsplan_fence.seal s WHERE s.scope = scope ORDER BY s.epoch DESC LIMIT 1;
    SELECT c.epoch INTO canary FROM dnsplan_fence.canary c WHERE c.scope = scope;
    SELECT CASE WHEN r.is_called THEN r.last_value ELSE 0 END INTO refused FROM dnsplan_fence.refused r;
    -- A replica has its primary's only once it is promoted.
    prepared := ARRAY(SELECT p.gid FROM pg_prepared_xacts p WHERE p.database = current_database() AND NOT is_replica ORDER BY 1);
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA dnsplan_fence FROM PUBLIC;

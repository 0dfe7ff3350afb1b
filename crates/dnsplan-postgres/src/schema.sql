-- The register and the fenced resource of writer roles, in the database that is written.
--
-- 1. `enter` takes the scope's advisory lock *shared*, until the transaction ends, and compares the epoch with the floor after that.
-- 2. The floor is raised under the same lock *exclusive*: once it is raised, no transaction that entered below it is left.
-- 3. A guarded table refuses rows from transactions that have not entered: the guard asks for this very transaction's id, so that
--    nothing that a pooled connection, a role or a database has been set to can stand in for it.
-- 4. The floor never falls and is never deleted, nor is a record.
-- 5. Where a scope moves between servers, an epoch is *opened* on one of them, for as long as that server runs: a copy of it, a
--    replica that somebody promotes, and the same server after a start accept nothing before it is opened there (again).
--
-- Who is trusted: the functions, and the owner of the tables. A role that writes can set the setting that the guard asks for, and so
-- write without having entered; the guard is against mistakes, not against that role.
--
-- Refusals: FE001, the epoch is over. FE002, this transaction has not entered. FE003, the write's id is known already. FE004, this
-- server is not the one where the epoch is open.

CREATE SCHEMA IF NOT EXISTS dnsplan_fence;

CREATE TABLE IF NOT EXISTS dnsplan_fence.record (
    scope text PRIMARY KEY CHECK (scope ~ '^[a-z0-9-]{1,32}$'),
    record text NOT NULL
);

CREATE TABLE IF NOT EXISTS dnsplan_fence.floor (
    scope text PRIMARY KEY CHECK (scope ~ '^[a-z0-9-]{1,32}$'),
    -- The lowest epoch that is accepted.
    lowest bigint NOT NULL CHECK (lowest >= 0),
    -- What is known of the writes of lower epochs was deleted.
    pruned bigint NOT NULL DEFAULT 0
);
-- Where a scope moves between servers: the only epoch that is accepted (0 is none), the timeline of the server that accepts it, and
-- when that one was started.
ALTER TABLE dnsplan_fence.floor ADD COLUMN IF NOT EXISTS open_epoch bigint, ADD COLUMN IF NOT EXISTS open_timeline bigint,
    ADD COLUMN IF NOT EXISTS open_start timestamptz;

-- What each seal answered. Whoever has replayed the log up to `position` has every write up to `epoch`, and the seal.
CREATE TABLE IF NOT EXISTS dnsplan_fence.seal (
    scope text NOT NULL REFERENCES dnsplan_fence.floor,
    epoch bigint NOT NULL,
    position pg_lsn NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (scope, epoch)
);

-- The writes that have taken effect, and those that never will.
CREATE TABLE IF NOT EXISTS dnsplan_fence.written (
    id uuid PRIMARY KEY,
    scope text NOT NULL,
    epoch bigint NOT NULL,
    is_applied boolean NOT NULL
);
CREATE INDEX IF NOT EXISTS written_by_epoch ON dnsplan_fence.written (scope, epoch);

-- One lock per scope. Somebody else's advisory lock of the same number would only make writers wait.
CREATE OR REPLACE FUNCTION dnsplan_fence.lock_of(scope text) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN pg_catalog.hashtextextended('dnsplan_fence ' || scope, 0);

-- A floor never falls, so that an epoch that nobody was granted would lock everybody out for ever. Where the record is kept here,
-- it says how far epochs have come.
CREATE OR REPLACE FUNCTION dnsplan_fence.require_granted(scope text, epoch bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    granted numeric;
BEGIN
    SELECT substring(r.record FROM '^dnsplan-lead[0-9]+ epoch=([0-9]+) ')::numeric INTO granted
    FROM dnsplan_fence.record r WHERE r.scope = scope;
    IF epoch > granted THEN
        RAISE EXCEPTION USING ERRCODE = 'FE002',
            MESSAGE = format('epoch %s of %s was never granted: the record is at %s', epoch, scope, granted),
            HINT = 'Epochs come from the record.';
    END IF;
END $$;

-- Begins to write under an epoch, until the transaction ends. Under REPEATABLE READ and SERIALIZABLE the floor could be read as
-- it was before the lock was granted; there the row is locked too, which fails (40001) where it has changed since.
--
-- Not STABLE: in READ COMMITTED each statement of a volatile function sees what was committed before that statement.
CREATE OR REPLACE FUNCTION dnsplan_fence.enter(scope text, epoch bigint, id uuid DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    suffix text := replace(scope, '-', '_');
    me text;
    has_entered boolean;
    floor bigint;
    open_epoch bigint;
    open_start timestamptz;
    known boolean;
BEGIN
    IF pg_is_in_recovery() THEN
        PERFORM dnsplan_fence.refuse_here(scope, epoch, 'this server is a replica');
    END IF;
    me := pg_current_xact_id()::text;
    has_entered := coalesce(current_setting('dnsplan_fence.entered_' || suffix, true) = me, false);
    IF has_entered AND current_setting('dnsplan_fence.epoch_' || suffix) <> epoch::text THEN
        RAISE EXCEPTION USING ERRCODE = 'FE002',
            MESSAGE = format('this transaction writes %s under epoch %s already, not under %s', scope,
                             current_setting('dnsplan_fence.epoch_' || suffix), epoch),
            HINT = 'Begin a transaction of its own for each epoch.';
    END IF;
    SELECT f.lowest, f.open_epoch INTO floor, open_epoch FROM dnsplan_fence.floor f WHERE f.scope = scope;
    IF NOT FOUND OR epoch IS NULL OR epoch < 1 THEN
        RAISE EXCEPTION USING ERRCODE = 'FE002',
            MESSAGE = format('there is no epoch %s of %s', epoch, scope),
            HINT = 'Epochs begin at 1; dnsplan_fence.guard(table, scope) makes a scope known.';
    END IF;
    -- The first write of an epoch that no seal has made room for. The lock is taken by the floor's own trigger.
    IF epoch > floor AND NOT has_entered AND open_epoch IS NULL THEN
        PERFORM dnsplan_fence.require_granted(scope, epoch);
        PERFORM pg_advisory_xact_lock(dnsplan_fence.lock_of(scope));
        UPDATE dnsplan_fence.floor f SET lowest = epoch WHERE f.scope = scope AND f.lowest < epoch;
    END IF;
    -- Whoever is refused already does not queue; the floor never falls.
    IF epoch >= floor THEN
        PERFORM pg_advisory_xact_lock_shared(dnsplan_fence.lock_of(scope));
        IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
            SELECT f.lowest, f.open_epoch, f.open_start INTO floor, open_epoch, open_start
            FROM dnsplan_fence.floor f WHERE f.scope = scope FOR SHARE;
        ELSE
            SELECT f.lowest, f.open_epoch, f.open_start INTO floor, open_epoch, open_start
            FROM dnsplan_fence.floor f WHERE f.scope = scope;
        END IF;
    END IF;
    IF epoch < floor THEN
        PERFORM dnsplan_fence.count_refusal();
        RAISE EXCEPTION USING ERRCODE = 'FE001',
            MESSAGE = format('epoch %s of %s is over: nothing below %s is accepted', epoch, scope, floor),
            DETAIL = floor::text,
            HINT = 'Load the record and send the write to its holder.';
    END IF;
    IF open_epoch IS NOT NULL AND (open_epoch <> epoch OR open_start IS DISTINCT FROM pg_postmaster_start_time()) THEN
        PERFORM dnsplan_fence.count_refusal();
        PERFORM dnsplan_fence.refuse_here(scope, epoch, 'it was not opened on this server, or not since that was started');
    END IF;
    PERFORM set_config('dnsplan_fence.entered_' || suffix, me, true),
            set_config('dnsplan_fence.epoch_' || suffix, epoch::text, true);
    IF id IS NOT NULL THEN
        -- Waits for whoever writes under the same id at this moment.
        INSERT INTO dnsplan_fence.written VALUES (id, scope, epoch, true) ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            SELECT w.is_applied INTO known FROM dnsplan_fence.written w WHERE w.id = id;
            RAISE EXCEPTION USING ERRCODE = 'FE003',
                MESSAGE = format('write %s %s', id,
                                 CASE WHEN known THEN 'has taken effect already' ELSE 'was given up by a look-up' END),
                DETAIL = CASE WHEN known THEN 'applied' ELSE 'never' END,
                HINT = 'Give every write an id of its own.';
        END IF;
    END IF;
END $$;

-- The refusal of whoever has not entered. As a trigger, it fires only then.
CREATE OR REPLACE FUNCTION dnsplan_fence.refuse() RETURNS trigger
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'FE002',
        MESSAGE = format('%s of %I.%I outside any epoch of %s', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_ARGV[0]),
        HINT = format('Call dnsplan_fence.enter(%L, epoch) in the same transaction before; an earlier one, or SET, does not count.',
                      TG_ARGV[0]);
END $$;

-- For the end of a transaction: fails where it has not entered, or cannot commit any more.
CREATE OR REPLACE FUNCTION dnsplan_fence.require_entered(scope text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('dnsplan_fence.entered_' || replace(scope, '-', '_'), true) IS DISTINCT FROM pg_current_xact_id()::text THEN
        RAISE EXCEPTION USING ERRCODE = 'FE002',
            MESSAGE = format('the transaction that entered %s is not this one', scope),
            HINT = 'Leave COMMIT and ROLLBACK to whoever has begun the transaction.';
    END IF;
END $$;

-- Refuses everything up to an epoch from the moment on that this is committed. It waits for the transactions under way.
CREATE OR REPLACE FUNCTION dnsplan_fence.seal(scope text, epoch bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    -- A late order must not hold up whoever writes under a later epoch.
    PERFORM FROM dnsplan_fence.floor f WHERE f.scope = scope AND f.lowest > epoch;
    IF FOUND THEN
        RETURN;
    END IF;
    PERFORM dnsplan_fence.be_durable();
    PERFORM dnsplan_fence.require_granted(scope, epoch);
    PERFORM dnsplan_fence.require_next(scope, epoch);
    PERFORM pg_advisory_xact_lock(dnsplan_fence.lock_of(scope));
    UPDATE dnsplan_fence.floor f SET lowest = greatest(f.lowest, epoch + 1) WHERE f.scope = scope;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'FE002', MESSAGE = format('nothing is known of %s here', scope),
            HINT = 'dnsplan_fence.guard(table, scope) makes a scope known.';
    END IF;
END $$;

-- Up to where the log has to be replayed by whoever is to have all writes up to an epoch, *and its seal*: without that, a replica
-- that is promoted would accept the epoch again. So it is read after the seal is committed, and kept: it is the same for ever.
CREATE OR REPLACE FUNCTION dnsplan_fence.sealed(scope text, epoch bigint) RETURNS pg_lsn
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    answer pg_lsn;
BEGIN
    PERFORM dnsplan_fence.be_durable();
    PERFORM FROM dnsplan_fence.floor f WHERE f.scope = scope AND f.lowest > epoch;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'FE002', MESSAGE = format('epoch %s of %s is not sealed', epoch, scope),
            HINT = 'Commit dnsplan_fence.seal first.';
    END IF;
    INSERT INTO dnsplan_fence.seal VALUES (scope, epoch, pg_current_wal_insert_lsn()) ON CONFLICT DO NOTHING;
    SELECT s.position INTO STRICT answer FROM dnsplan_fence.seal s WHERE s.scope = scope AND s.epoch = epoch;
    RETURN answer;
END $$;

-- What an earlier answer rests on has to survive a crash, whatever the database is set to.
CREATE OR REPLACE FUNCTION dnsplan_fence.be_durable() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
END $$;

-- Ends the sessions whose transactions a seal waits for: what they have not committed does not happen. Answers with the prepared
-- transactions among them, which somebody else has to decide.
CREATE OR REPLACE FUNCTION dnsplan_fence.evict(scope text) RETURNS text[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    key bigint := dnsplan_fence.lock_of(scope);
    held record;
    prepared text[] := '{}';
BEGIN
    FOR held IN
        -- A prepared transaction has no process; which one it is, the lock on its own id says.
        SELECT l.pid, p.gid FROM pg_locks l
        LEFT JOIN pg_locks own ON l.pid IS NULL AND own.pid IS NULL AND own.locktype = 'transactionid'
            AND own.virtualtransaction = l.virtualtransaction
        LEFT JOIN pg_prepared_xacts p ON p.transaction = own.transactionid
        WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted AND l.mode = 'ShareLock'
          AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
          AND l.classid::bigint = ((key >> 32) & 4294967295) AND l.objid::bigint = (key & 4294967295)
    LOOP
        IF held.pid IS NULL THEN
            prepared := prepared || coalesce(held.gid, '(see pg_prepared_xacts)');
        ELSIF held.pid <> pg_backend_pid() THEN
            PERFORM pg_terminate_backend(held.pid);
        END IF;
    END LOOP;
    RETURN prepared;
END $$;

-- What became of a write whose reply was lost: true, it took effect; false, it never will, for its id is used up here. Waits for
-- a transaction that has the id in hand.
CREATE OR REPLACE FUNCTION dnsplan_fence.lookup(scope text, epoch bigint, id uuid) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    known boolean := false;
    pruned bigint;
BEGIN
    PERFORM dnsplan_fence.be_durable();
    PERFORM dnsplan_fence.require_history(scope, epoch);
    INSERT INTO dnsplan_fence.written VALUES (id, scope, epoch, false) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        SELECT w.is_applied INTO STRICT known FROM dnsplan_fence.written w WHERE w.id = id;
    END IF;
    -- Read last: what was deleted in between is forgotten, and not "never".
    SELECT f.pruned INTO pruned FROM dnsplan_fence.floor f WHERE f.scope = scope FOR SHARE;
    IF NOT FOUND OR epoch < pruned THEN
        RAISE EXCEPTION USING ERRCODE = 'FE002',
            MESSAGE = format('what became of the writes of epoch %s of %s is not known any more', epoch, scope),
            HINT = 'Look at the data itself.';
    END IF;
    RETURN known;
END $$;

-- Forgets the ids of writes under epochs below the given one, which have to be over.
CREATE OR REPLACE FUNCTION dnsplan_fence.prune(scope text, below bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    deleted bigint;
BEGIN
    UPDATE dnsplan_fence.floor f SET pruned = greatest(f.pruned, below) WHERE f.scope = scope AND f.lowest >= below;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'FE002',
            MESSAGE = format('epochs of %s below %s are not over yet', scope, below), HINT = 'Seal them first.';
    END IF;
    DELETE FROM dnsplan_fence.written w WHERE w.scope = scope AND w.epoch < below;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END $$;

-- The conditional write of a record, and what is there then.
CREATE OR REPLACE FUNCTION dnsplan_fence.swap(scope text, expected text, next text, OUT won boolean, OUT now text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    PERFORM dnsplan_fence.be_durable();
    IF expected IS NULL THEN
        INSERT INTO dnsplan_fence.record VALUES (scope, next) ON CONFLICT DO NOTHING;
    ELSE
        UPDATE dnsplan_fence.record r SET record = next WHERE r.scope = scope AND r.record = expected;
    END IF;
    won := FOUND;
    SELECT r.record INTO now FROM dnsplan_fence.record r WHERE r.scope = scope;
END $$;

-- The record; a replica does not answer.
CREATE OR REPLACE FUNCTION dnsplan_fence.load(scope text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION USING ERRCODE = '25006', MESSAGE = 'this is a replica: it may not know the newest record',
            HINT = 'Connect with target_session_attrs=read-write.';
    END IF;
    RETURN (SELECT r.record FROM dnsplan_fence.record r WHERE r.scope = scope);
END $$;

-- The floor never falls, and whoever raises it, by whatever way, waits for the transactions under way.
CREATE OR REPLACE FUNCTION dnsplan_fence.keep_floor() RETURNS trigger
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP <> 'UPDATE' OR NEW.scope <> OLD.scope OR NEW.lowest < OLD.lowest OR NEW.pruned < OLD.pruned
       OR (OLD.open_epoch IS NOT NULL AND (NEW.open_epoch IS NULL OR NEW.open_timeline IS NULL OR NEW.open_epoch < OLD.open_epoch
               OR (NEW.open_epoch = OLD.open_epoch AND NEW.open_timeline <> OLD.open_timeline))) THEN
        RAISE EXCEPTION USING ERRCODE = 'FE002', MESSAGE = 'a floor never falls and is never deleted',
            HINT = 'A node that is to write again is granted a new epoch.';
    END IF;
    IF NEW.lowest > OLD.lowest OR NEW.open_epoch IS DISTINCT FROM OLD.open_epoch
       OR (NEW.open_start IS DISTINCT FROM OLD.open_start AND NEW.open_start IS DISTINCT FROM pg_postmaster_start_time()) THEN
        PERFORM pg_advisory_xact_lock(dnsplan_fence.lock_of(OLD.scope));
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION dnsplan_fence.keep_record() RETURNS trigger
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP <> 'UPDATE' OR NEW.scope <> OLD.scope THEN
        RAISE EXCEPTION USING ERRCODE = 'FE002', MESSAGE = 'a record is never deleted',
            HINT = 'Without it, epochs would begin anew.';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER keep BEFORE UPDATE OR DELETE ON dnsplan_fence.floor
    FOR EACH ROW EXECUTE FUNCTION dnsplan_fence.keep_floor();
CREATE OR REPLACE TRIGGER keep_all BEFORE TRUNCATE ON dnsplan_fence.floor
    FOR EACH STATEMENT EXECUTE FUNCTION dnsplan_fence.keep_floor();
CREATE OR REPLACE TRIGGER keep BEFORE UPDATE OR DELETE ON dnsplan_fence.record
    FOR EACH ROW EXECUTE FUNCTION dnsplan_fence.keep_record();
CREATE OR REPLACE TRIGGER keep_all BEFORE TRUNCATE ON dnsplan_fence.record
    FOR EACH STATEMENT EXECUTE FUNCTION dnsplan_fence.keep_record();
-- ALWAYS: also where session_replication_role says that triggers do not fire.
ALTER TABLE dnsplan_fence.floor ENABLE ALWAYS TRIGGER keep, ENABLE ALWAYS TRIGGER keep_all;
ALTER TABLE dnsplan_fence.record ENABLE ALWAYS TRIGGER keep, ENABLE ALWAYS TRIGGER keep_all;

-- Guards a table, and whatever inherits from it. Run by whoever owns both the table and this schema.
--
-- Rows and not statements: a row trigger also fires for rows that come through a parent table, in partitions that are added later, in
-- cascades, and from logical replication. Where the transaction has entered, it is the condition alone that is evaluated.
CREATE OR REPLACE FUNCTION dnsplan_fence.guard(guarded regclass, scope text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    part record;
    other text;
    -- The id is never NULL, whatever the setting is: a transaction that has none yet gets one here.
    unless text := format('(current_setting(%L, true) IS DISTINCT FROM pg_current_xact_id()::text)',
                          'dnsplan_fence.entered_' || replace(scope, '-', '_'));
BEGIN
    INSERT INTO dnsplan_fence.floor VALUES (scope, 0) ON CONFLICT DO NOTHING;
    PERFORM dnsplan_fence.require_alone(scope);
    FOR part IN
        WITH RECURSIVE family AS (
            SELECT guarded::oid AS id UNION SELECT i.inhrelid FROM pg_inherits i JOIN family f ON i.inhparent = f.id
        )
        SELECT c.oid::regclass AS name, c.oid AS id, c.relkind AS kind, c.relpersistence AS persistence,
               c.relispartition AND c.oid <> guarded AS is_cloned_to
        FROM family f JOIN pg_class c ON c.oid = f.id ORDER BY c.oid = guarded DESC
    LOOP
        IF part.kind NOT IN ('r', 'p') THEN
            RAISE EXCEPTION USING ERRCODE = 'wrong_object_type',
                MESSAGE = format('%s is no table that can be guarded', part.name), HINT = 'Guard the tables that hold the rows.';
        END IF;
        IF part.persistence <> 'p' THEN
            RAISE EXCEPTION USING ERRCODE = 'wrong_object_type',
                MESSAGE = format('%s is not logged, and would be lost with its server', part.name), HINT = 'ALTER TABLE ... SET LOGGED.';
        END IF;
        SELECT encode(t.tgargs, 'escape') INTO other FROM pg_trigger t
        WHERE t.tgrelid = part.id AND t.tgname = 'dnsplan_fence_truncate';
        IF other <> scope || '\000' THEN
            RAISE EXCEPTION USING ERRCODE = 'duplicate_object',
                MESSAGE = format('%s is guarded under another scope', part.name), HINT = 'A table has one writer role.';
        END IF;
        -- Where a table is partitioned, its row triggers are in each partition already.
        IF NOT part.is_cloned_to THEN
            EXECUTE format('CREATE OR REPLACE TRIGGER dnsplan_fence_row BEFORE INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW '
                           'WHEN %s EXECUTE FUNCTION dnsplan_fence.refuse(%L)', part.name, unless, scope);
            EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER dnsplan_fence_row', part.name);
        END IF;
        EXECUTE format('CREATE OR REPLACE TRIGGER dnsplan_fence_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT '
                       'WHEN %s EXECUTE FUNCTION dnsplan_fence.refuse(%L)', part.name, unless, scope);
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER dnsplan_fence_truncate', part.name);
    END LOOP;
END $$;

-- What a role that writes may do here, beside its rights on the guarded tables: nothing that lowers a floor. It must not own them.
CREATE OR REPLACE FUNCTION dnsplan_fence.allow_writes(whom regrole) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA dnsplan_fence TO %s', whom);
    EXECUTE format('GRANT EXECUTE ON FUNCTION dnsplan_fence.enter, dnsplan_fence.require_entered, dnsplan_fence.lookup, '
                   'dnsplan_fence.load, dnsplan_fence.open_epoch TO %s', whom);
END $$;

-- What a role that hands over may do.
CREATE OR REPLACE FUNCTION dnsplan_fence.allow_handoffs(whom regrole) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA dnsplan_fence TO %s', whom);
    EXECUTE format('GRANT EXECUTE ON FUNCTION dnsplan_fence.load, dnsplan_fence.swap, dnsplan_fence.seal, dnsplan_fence.sealed, '
                   'dnsplan_fence.evict, dnsplan_fence.lookup, dnsplan_fence.prune, dnsplan_fence.open, dnsplan_fence.open_epoch, '
                   'dnsplan_fence.sing, dnsplan_fence.look TO %s', whom);
END $$;

"""Triggers that stop accidents: what is appended is not changed, and continues the head.

Whoever drops them is detected by the proofs, not stopped here.
"""

from __future__ import annotations

from typing import Final

APPEND_ONLY: Final = ("entries", "tiles", "checkpoints")

SQLITE: Final = tuple(
    f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
    f"BEGIN SELECT RAISE(ABORT, '{table} are append-only'); END"
    for table in APPEND_ONLY
    for verb in ("UPDATE", "DELETE")
)

REFUSE: Final = """
CREATE FUNCTION muniment_refuse() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% are append-only', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$
"""

CONTINUE: Final = """
CREATE FUNCTION muniment_continue() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    first bigint; last bigint; number bigint; leaf bytea; head record;
BEGIN
    SELECT min(idx), max(idx), count(*) INTO first, last, number FROM added;
    IF number = 0 THEN
        RETURN NULL;
    END IF;
    SELECT size, leaf_hash INTO STRICT head FROM public.head;
    SELECT leaf_hash INTO leaf FROM added WHERE idx = last;
    IF last - first + 1 <> number OR last + 1 <> head.size OR leaf <> head.leaf_hash
        OR (first > 0 AND NOT EXISTS (SELECT FROM public.entries WHERE idx = first - 1))
    THEN
        RAISE EXCEPTION 'the entries do not continue the head'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$
"""

REDACT: Final = """
CREATE FUNCTION muniment_redact(entry bigint, members text[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    erased integer;
BEGIN
    UPDATE public.payloads SET salt = NULL, value = NULL
        WHERE idx = entry AND name = ANY (members) AND value IS NOT NULL;
    GET DIAGNOSTICS erased = ROW_COUNT;
    RETURN erased;
END $$
"""
"""Erases members of an entry, value and salt together, and tells how many: the one way for
``muniment_app``. That an entry says so is the caller's duty, and found out by the verifier."""

FORGET_FILE: Final = (
    """
CREATE FUNCTION muniment_forget_file(named text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    erased integer;
BEGIN
    DELETE FROM public.blobs WHERE sha256 = named;
    GET DIAGNOSTICS erased = ROW_COUNT;
    RETURN erased;
END $$
""",
    "REVOKE ALL ON FUNCTION muniment_forget_file(text) FROM PUBLIC",
)
"""Erases a file that repeats an erased value, or that an erased member named."""

POSTGRESQL_TRIGGERS: Final = {
    **{
        f"{table}_no_{verb.lower()}": f"BEFORE {verb} ON {table} FOR EACH "
        f"{'STATEMENT' if verb == 'TRUNCATE' else 'ROW'} EXECUTE FUNCTION muniment_refuse()"
        for table in APPEND_ONLY
        for verb in ("UPDATE", "DELETE", "TRUNCATE")
    },
    "entries_continue": "AFTER INSERT ON entries REFERENCING NEW TABLE AS added "
    "FOR EACH STATEMENT EXECUTE FUNCTION muniment_continue()",
}

POSTGRESQL: Final = (
    REFUSE,
    CONTINUE,
    REDACT,
    "REVOKE ALL ON FUNCTION muniment_redact(bigint, text[]) FROM PUBLIC",
    *(f"CREATE TRIGGER {name} {what}" for name, what in POSTGRESQL_TRIGGERS.items()),
    *(
        f"ALTER TABLE {what.split(' ON ')[1].split()[0]} ENABLE ALWAYS TRIGGER {name}"
        for name, what in POSTGRESQL_TRIGGERS.items()
    ),
)

GUARDS: Final = {"sqlite": SQLITE, "postgresql": POSTGRESQL}

"""Audit rows are added, never changed: the database itself refuses, whoever asks.

One change remains: once a person is marked as erased (`people.erased_at`), the rows about them may forget whom they
were about, and the rows that they left themselves, as a patient, may forget who it was. Nothing else of a row changes.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KEPT = ("sequence", "at", "client_id", "role", "action", "route", "detail")
_PERSON_GONE = """(new.person_id IS NULL AND EXISTS (
    SELECT 1 FROM people WHERE people.id = old.person_id AND people.erased_at IS NOT NULL))"""
_PATIENT_GONE = """(new.user_id IS NULL AND old.role = 'patient' AND EXISTS (
    SELECT 1 FROM grants JOIN people ON people.id = grants.person_id
    WHERE grants.user_id = old.user_id AND grants.role = 'patient' AND people.erased_at IS NOT NULL))"""


def _forgets(same: str) -> str:
    """Whether an update only forgets an erased person; `same` is how the database compares with nulls."""
    kept = " AND ".join(f"new.{column} {same} old.{column}" for column in _KEPT)
    return (
        f"({kept} AND (new.person_id {same} old.person_id OR {_PERSON_GONE})"
        f" AND (new.user_id {same} old.user_id OR {_PATIENT_GONE}))"
    )


def upgrade() -> None:
    """From 0001 to 0002."""
    if op.get_bind().dialect.name == "sqlite":
        _for_sqlite()
    else:
        _for_postgresql()


def _for_sqlite() -> None:
    refuse = "BEGIN SELECT RAISE(ABORT, 'audit rows are never changed'); END"
    op.execute(f"CREATE TRIGGER audit_update BEFORE UPDATE ON audit WHEN NOT {_forgets('IS')} {refuse}")
    op.execute(f"CREATE TRIGGER audit_delete BEFORE DELETE ON audit {refuse}")
    # INSERT OR REPLACE would delete a row without asking the trigger above.
    taken = "EXISTS (SELECT 1 FROM audit WHERE sequence = new.sequence)"
    op.execute(f"CREATE TRIGGER audit_replace BEFORE INSERT ON audit WHEN {taken} {refuse}")


def _for_postgresql() -> None:
    op.execute(
        f"""
        CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' THEN
                IF {_forgets("IS NOT DISTINCT FROM")} THEN
                    RETURN new;
                END IF;
            END IF;
            RAISE EXCEPTION 'audit rows are never changed';
        END $$
        """
    )
    op.execute("CREATE TRIGGER audit_row BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuse()")
    op.execute("CREATE TRIGGER audit_all BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()")

"""Every table of the register: what a live service must remember, beside the lake.

Days are dates of the place where people are treated; instants (`*_at`) are seconds since 1970-01-01 UTC as numbers, so
that SQLite and PostgreSQL agree on them. Secrets (tokens, passwords) are stored as hashes only.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    literal_column,
    text,
)

# Names of constraints are given by rule, so that migrations can name them on both databases.
METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
BIG = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up by itself only in an INTEGER key


def _id() -> Column[str]:
    return Column("id", String(128), primary_key=True)


def _changed() -> Column[int]:
    """How often the row was changed here since it last went into the lake; 0 is "the lake has it".

    Whatever is entered here waits for the lake by default, and a change makes it wait again; what came from the lake
    states 0. Whoever takes rows to the lake resets only what it has read (`register.flowing`).
    """
    return Column("changed", Integer, nullable=False, server_default="1", onupdate=literal_column("changed + 1"))


# --- who is treated, where, by whom: copied from the lake, or entered here -------------------------------------------

organizations = Table(
    "organizations",
    METADATA,
    _id(),
    Column("part_of", String(128)),
    Column("name", Text),
    Column("origin", String(8), nullable=False),  # lake | live
    _changed(),
)

teams = Table(
    "teams",
    METADATA,
    _id(),
    Column("organization_id", ForeignKey("organizations.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
)

practitioners = Table(
    "practitioners",
    METADATA,
    _id(),
    Column("organization_id", ForeignKey("organizations.id"), index=True),
    Column("team_id", ForeignKey("teams.id"), index=True),
    Column("name", Text),
    Column("origin", String(8), nullable=False),
    _changed(),
)

people = Table(
    "people",
    METADATA,
    _id(),  # patients.patient_id: a pseudonym
    Column("label", Text),  # what the clinician calls the record here, such as initials; never leaves the register
    Column("birth_year", Integer),
    Column("language", String(16)),
    Column("origin", String(8), nullable=False),
    Column("erased_at", Float, index=True),  # a tombstone: its id is a keyed hash, and all else is gone
    _changed(),
)

courses = Table(
    "courses",
    METADATA,
    _id(),  # episodes.episode_id
    Column("person_id", ForeignKey("people.id"), nullable=False, index=True),
    Column("organization_id", ForeignKey("organizations.id"), index=True),
    Column("practitioner_id", ForeignKey("practitioners.id"), index=True),
    Column("condition", Text),
    Column("therapy", Text),
    Column("start_date", Date),
    Column("end_date", Date),
    Column("end_reason", Text),
    Column("origin", String(8), nullable=False),
    _changed(),
)

contacts = Table(
    "contacts",
    METADATA,
    _id(),  # encounters.encounter_id
    Column("course_id", ForeignKey("courses.id"), index=True),
    Column("person_id", ForeignKey("people.id"), nullable=False, index=True),
    Column("practitioner_id", ForeignKey("practitioners.id"), index=True),
    Column("date", Date, nullable=False, index=True),
    Column("time", String(8)),
    Column("kind", Text),
    Column("attended", Boolean),  # null: planned, or not said
    Column("origin", String(8), nullable=False),
    _changed(),
)

marks = Table(
    "marks",
    METADATA,
    _id(),  # events.event_id
    Column("person_id", ForeignKey("people.id"), nullable=False, index=True),
    Column("course_id", ForeignKey("courses.id"), index=True),
    Column("date", Date, nullable=False),
    Column("kind", Text, nullable=False),  # medication_started, medication_changed, therapy_changed, life_event …
    Column("note", Text),  # one's own words: stays here, never flows into the lake
    Column("origin", String(8), nullable=False),
    _changed(),
)

# --- scores ---------------------------------------------------------------------------------------------------------

assessments = Table(
    "assessments",
    METADATA,
    # One number per acknowledged record, in the order of arrival.
    Column("sequence", BIG, primary_key=True, autoincrement=True),
    Column("id", String(128), nullable=False, unique=True),  # assessments.assessment_id
    Column("person_id", ForeignKey("people.id"), nullable=False),
    Column("course_id", ForeignKey("courses.id")),
    Column("instrument", String(64), nullable=False),
    Column("scale", String(64)),  # which scale `total` belongs to; null is the primary one
    Column("date", Date, nullable=False),
    Column("time", String(8)),
    Column("items", JSON),
    Column("total", Float),
    Column("unit", String(32)),
    Column("language", String(16)),
    Column("informant", String(64)),
    Column("mode", String(64)),
    Column("source", String(16), nullable=False),  # lake | link | kiosk | clinician | api
    Column("entered_by", String(128)),  # user or client
    Column("received_at", Float, nullable=False),
    Column("fingerprint", String(64)),  # of what was posted, to tell a repetition from a correction
    Column("retracted", Boolean, nullable=False, server_default=false()),
    _changed(),
    Index("ix_assessments_course", "course_id", "instrument", "date"),
    Index("ix_assessments_person", "person_id", "instrument", "date"),
    # Few of many wait for the lake at any time.
    Index("ix_assessments_waiting", "sequence", sqlite_where=text("changed > 0"), postgresql_where=text("changed > 0")),
)

scores = Table(
    "scores",
    METADATA,
    Column("assessment_id", ForeignKey("assessments.id"), primary_key=True),
    Column("scale", String(64), primary_key=True),
    Column("value", Float),
    Column("status", String(16), nullable=False),  # terms.ScoreStatus
    Column("band", Text),
    Column("reason", String(64)),
)

safety_prompts = Table(
    "safety_prompts",
    METADATA,
    _id(),
    Column("assessment_id", ForeignKey("assessments.id"), nullable=False, index=True),
    Column("person_id", ForeignKey("people.id"), nullable=False, index=True),
    Column("course_id", ForeignKey("courses.id"), index=True),
    Column("item", Integer, nullable=False),
    Column("state", String(16), nullable=False),  # raised (answer above the line) | unanswered
    Column("raised_at", Float, nullable=False),
    Column("seen_at", Float, index=True),
    Column("seen_by", String(128)),
    Column("action", String(64)),  # a code of what was done, chosen from a list
    UniqueConstraint("assessment_id", "item"),
)

# --- consent ---------------------------------------------------------------------------------------------------------

consents = Table(
    "consents",
    METADATA,
    Column("sequence", BIG, primary_key=True, autoincrement=True),
    Column("id", String(128), nullable=False, unique=True),  # also the number of the receipt
    Column("person_id", ForeignKey("people.id"), nullable=False, index=True),
    Column("purpose", String(32), nullable=False),  # terms.Purpose
    Column("decision", String(16), nullable=False),  # granted | declined | withdrawn
    Column("date", Date, nullable=False),
    Column("decided_at", Float, nullable=False),
    Column("text_version", String(32), nullable=False),
    Column("decided_by", String(16), nullable=False),  # person | clinician | lake
    _changed(),
)

# What a person switched for the own views, such as `expected`: whether an expected course is computed and shown.
choices = Table(
    "choices",
    METADATA,
    Column("person_id", ForeignKey("people.id"), primary_key=True),
    Column("name", String(32), primary_key=True),
    Column("value", Boolean, nullable=False),
    Column("decided_at", Float, nullable=False),
)

deletion_requests = Table(
    "deletion_requests",
    METADATA,
    _id(),  # the number of the receipt
    Column("person_id", ForeignKey("people.id"), nullable=False, index=True),
    Column("asked_at", Float, nullable=False),
    Column("state", String(16), nullable=False),  # asked | done | refused
    Column("decided_at", Float),
    Column("decided_by", String(128)),
    Column("reason", String(64)),
)

# --- who may do what ---------------------------------------------------------------------------------------------

users = Table(
    "users",
    METADATA,
    _id(),
    Column("login", String(128), unique=True),  # null for people who only come by OIDC
    Column("name", Text, nullable=False),
    Column("issuer", Text),
    Column("subject", Text),
    Column("password", Text),  # argon2id
    Column("totp", Text),
    Column("totp_last", BIG),  # the last time step used: a code works once
    Column("language", String(16)),
    Column("disabled", Boolean, nullable=False, server_default=false()),
    Column("created_at", Float, nullable=False),
    UniqueConstraint("issuer", "subject"),
)

# Failed sign-ins by login, whether or not anybody has that login: an answer must not tell the two apart.
lockouts = Table(
    "lockouts",
    METADATA,
    Column("login", String(64), primary_key=True),  # SHA-256 of what was typed
    Column("failures", Integer, nullable=False),
    Column("failed_at", Float, nullable=False),
    Column("locked_until", Float, nullable=False),
)

# Sign-ins that were sent to an identity provider and have not come back yet.
departures = Table(
    "departures",
    METADATA,
    Column("state", String(64), primary_key=True),  # SHA-256
    Column("browser", String(64), nullable=False),  # SHA-256 of a cookie: only the browser that left may come back
    Column("nonce", String(64), nullable=False),
    Column("verifier", String(64), nullable=False),  # of PKCE
    Column("link", String(64)),  # the invitation that it is to be joined to, as its hash
    Column("expires_at", Float, nullable=False),
)

grants = Table(
    "grants",
    METADATA,
    _id(),
    Column("user_id", ForeignKey("users.id"), nullable=False, index=True),
    Column("role", String(16), nullable=False),  # register.viewer.Role
    Column("organization_id", String(128)),
    Column("team_id", String(128)),
    Column("practitioner_id", String(128)),
    Column("person_id", String(128)),
    Column("contract", String(128)),  # for payers: which contract's views
)

sessions = Table(
    "sessions",
    METADATA,
    Column("token", String(64), primary_key=True),  # SHA-256 of what the browser holds
    Column("user_id", String(128), index=True),  # null: a person who came by a link
    Column("grant_id", String(128)),  # the role in use
    Column("person_id", String(128)),
    Column("link", String(64)),
    Column("csrf", String(64), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
)

links = Table(
    "links",
    METADATA,
    Column("token", String(64), primary_key=True),  # SHA-256
    Column("kind", String(16), nullable=False),  # admin | invitation | form | kiosk | my_data
    Column("person_id", String(128), index=True),
    Column("course_id", String(128)),
    Column("organization_id", String(128)),
    Column("user_id", String(128)),
    Column("instruments", JSON),
    Column("uses_left", Integer, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("created_by", String(128)),
    Column("expires_at", Float, nullable=False),
)

clients = Table(
    "clients",
    METADATA,
    _id(),
    Column("name", Text, nullable=False),
    Column("secret", String(64), nullable=False, unique=True),  # SHA-256 of a long random token
    Column("scopes", JSON, nullable=False),  # scores.write, editions.read …
    Column("organization_id", String(128)),  # null: any organization of the workspace
    Column("disabled", Boolean, nullable=False, server_default=false()),
    Column("created_at", Float, nullable=False),
)

audit = Table(
    "audit",
    METADATA,
    Column("sequence", BIG, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False, index=True),
    Column("user_id", String(128), index=True),
    Column("client_id", String(128)),
    Column("role", String(16), nullable=False),
    Column("action", String(32), nullable=False),  # read, write, sign_in, sign_in_failed, export, refuse …
    Column("route", String(128), nullable=False),  # the pattern, never the address with its ids
    Column("person_id", String(128), index=True),
    Column("detail", String(128)),
)

# --- getting better together -------------------------------------------------------------------------------------

experiments = Table(
    "experiments",
    METADATA,
    _id(),
    Column("organization_id", ForeignKey("organizations.id"), nullable=False, index=True),
    Column("measure", String(64), nullable=False),
    Column("aim", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("started", Date, nullable=False),
    Column("ended", Date),
    Column("state", String(16), nullable=False),  # planned | running | adopted | adapted | abandoned
    Column("created_by", String(128)),
    Column("created_at", Float, nullable=False),
)

experiment_notes = Table(
    "experiment_notes",
    METADATA,
    _id(),
    Column("experiment_id", ForeignKey("experiments.id"), nullable=False, index=True),
    Column("written_at", Float, nullable=False),
    Column("text", Text, nullable=False),
)

circles = Table(
    "circles",
    METADATA,
    _id(),
    Column("organization_id", ForeignKey("organizations.id"), nullable=False, index=True),
    Column("held", Date, nullable=False),
    Column("edition", String(64), nullable=False),
    Column("agenda", JSON, nullable=False),
    Column("minutes", Text),
    Column("created_at", Float, nullable=False),
)

pulses = Table(
    "pulses",
    METADATA,
    _id(),
    Column("organization_id", ForeignKey("organizations.id"), nullable=False),
    Column("week", Date, nullable=False),  # its Monday; who answered is not kept
    Column("answer", Integer, nullable=False),
    Index("ix_pulses_week", "organization_id", "week"),
)

# Who has answered in a week, so that nobody answers twice; which answer is theirs cannot be told.
pulse_turns = Table(
    "pulse_turns",
    METADATA,
    Column("week", Date, primary_key=True),
    Column("ticket", String(64), primary_key=True),  # keyed hash of the user
)

# --- the service itself ----------------------------------------------------------------------------------------------

facts = Table(
    "facts",
    METADATA,
    Column("name", String(64), primary_key=True),  # lake_snapshot, tombstone_key …
    Column("value", Text, nullable=False),
)

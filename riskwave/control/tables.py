"""The control store's tables."""

TABLES = """\
-- The control store. Everything that guards it is here, in triggers, so that an edit by any SQLite client is checked,
-- versioned and audited as one by Riskwave is.

create table control (
    one integer primary key check (one = 1),
    control_version integer not null,     -- names the thresholds, lists and rulesets in force
    lists_version integer not null,       -- the last control_version that changed a list
    writing integer not null default 0,   -- 1 within a transaction of Riskwave, 2 when that has taken its version
    author text,                          -- who writes that transaction, and why
    why text
);
insert into control (one, control_version, lists_version) values (1, 0, 0);

create table settings (
    name text primary key,
    value text not null,
    author text,   -- as in thresholds
    why text
);
insert into settings (name, value) values ('approvals', 'off');

create table rulesets (
    revision text primary key,
    text text not null,
    state text not null check (state in ('draft', 'shadow', 'canary', 'live', 'retired')),
    share real check ((state = 'canary') = (share is not null) and share > 0 and share < 1),
    rules integer not null,
    previous text,   -- what was live before it became so: where a rollback goes
    author text not null,
    why text not null,
    created_at text not null
);
create unique index one_live on rulesets (state) where state = 'live';
create unique index one_canary on rulesets (state) where state = 'canary';

create table ruleset_versions (
    id integer primary key autoincrement,
    revision text not null,
    state text not null,
    share real,
    control_version integer not null,
    until_version integer,   -- the first version it does not hold in; null while it holds
    valid_from text not null,
    valid_to text,
    author text not null,
    why text
);
create unique index ruleset_open on ruleset_versions (revision) where until_version is null;

-- What a revision's pack says of its thresholds.
create table ruleset_thresholds (
    revision text not null,
    position integer not null,
    rule text not null,
    name text not null,
    kind text not null,
    value text not null,
    min numeric,
    max numeric,
    unit text,
    primary key (revision, rule, name)
);

-- The values in force, of every ruleset that is live, canary or shadow. Edit `value`; say who and why beside it.
create table thresholds (
    rule text not null,
    name text not null,
    value text not null,
    kind text not null,
    min numeric,
    max numeric,
    unit text,
    revision text not null,
    author text,   -- of the edit being made; kept in threshold_versions, and emptied here
    why text,
    primary key (revision, rule, name)
);

create table threshold_versions (
    id integer primary key autoincrement,
    revision text not null,
    rule text not null,
    name text not null,
    kind text not null,
    value text not null,
    control_version integer not null,
    until_version integer,
    valid_from text not null,
    valid_to text,
    author text not null,
    why text
);
create unique index threshold_open on threshold_versions (revision, rule, name) where until_version is null;
create index threshold_history on threshold_versions (revision, rule, name, control_version);

-- Insert, update and delete as you like.
create table list_entries (
    list_name text not null,
    value text not null,
    reason text,
    expires_at text,   -- UTC; null never expires
    author text,       -- as in thresholds
    why text,
    primary key (list_name, value)
);

create table list_versions (
    id integer primary key autoincrement,
    list_name text not null,
    value text not null,
    reason text,
    expires_at text,
    control_version integer not null,
    until_version integer,
    valid_from text not null,
    valid_to text,
    author text not null,
    why text
);
create unique index list_open on list_versions (list_name, value) where until_version is null;
create index list_begun on list_versions (control_version);
create index list_ended on list_versions (until_version) where until_version is not null;

create table approvals (
    id integer primary key autoincrement,
    revision text not null,
    state text not null,   -- the state it asks for
    share real,
    author text not null,
    why text not null,
    requested_at text not null,
    status text not null default 'pending' check (status in ('pending', 'approved', 'withdrawn')),
    decided_by text,
    decided_at text
);
create unique index one_request on approvals (revision) where status = 'pending';

create table audit (
    id integer primary key autoincrement,
    at text not null,
    author text not null,
    why text,
    what text not null,
    subject text not null,
    before text,
    after text,
    control_version integer not null
);

-- Each row's hash is over the audit row and the hash before. SQL alone cannot hash: the next Riskwave process seals.
create table audit_seals (
    id integer primary key,
    hash text not null
);
"""

#: What came later than FORMAT 1; made in an older store when it is next opened for writing.
WARMING = """\
-- Of the state beside: the times (UTC) of its first event and, roughly, of its last one. The engine keeps it.
create table known_events (
    one integer primary key check (one = 1),
    first_event text not null,
    last_event text not null
);

-- How far back a revision's rules look; a rule that reads no window has no row. acts: also while it is warming.
create table rule_windows (
    revision text not null,
    rule text not null,
    feature text not null,
    window_name text not null,
    seconds integer not null,
    acts integer not null,
    primary key (revision, rule)
);

-- Rules that were new to what decided when their revision began to: before `until` (event time) they are recorded, and
-- act on nothing.
create table held_rules (
    revision text not null,
    control_version integer not null,   -- of the spell that it belongs to in ruleset_versions
    rule text not null,
    until text not null,
    primary key (revision, control_version, rule)
);
"""

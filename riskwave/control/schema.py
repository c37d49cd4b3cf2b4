"""The control store's tables and triggers."""

from __future__ import annotations

from riskwave.control.tables import TABLES, WARMING

#: PRAGMA user_version of a store: its format.
FORMAT = 1

#: PRAGMA application_id: "rwct".
APPLICATION = 0x72776374

NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
_VERSION = "(select control_version from control)"
#: Any change takes the next version; all changes of one transaction of Riskwave share theirs.
_NEXT = """update control set control_version = control_version + (writing <> 2),
    writing = case writing when 1 then 2 else writing end;"""


def schema() -> str:
    """The statements that make an empty store."""
    return "\n".join(
        [
            *(TABLES, *_guards(), *_threshold_triggers(), *_list_triggers(), *_ruleset_triggers()),
            *(*_settings_triggers(), warming_schema()),
        ]
    )


def warming_schema() -> str:
    """The statements that add what a store of an earlier Riskwave lacks."""
    plain = "(select writing from control) = 0"
    guards = [
        _refused(f"{table}_no_{event}", f"{event} on {table}", f"{table}: kept by riskwave rules publish", plain)
        for table in ("rule_windows", "held_rules")
        for event in ("insert", "update", "delete")
    ]
    return "\n".join([WARMING, *guards])


def _who(row: str | None = None) -> str:
    given = f"nullif(trim({row}.author), ''), " if row else ""
    return f"coalesce({given}(select author from control), 'sql')"


def _why(row: str | None = None) -> str:
    return f"coalesce({row}.why, (select why from control))" if row else "(select why from control)"


def _audit(what: str, subject: str, before: str, after: str, row: str | None = None) -> str:
    return f"""insert into audit (at, author, why, what, subject, before, after, control_version)
    values ({NOW}, {_who(row)}, {_why(row)}, {what}, {subject}, {before}, {after}, {_VERSION});"""


def _refused(name: str, event: str, message: str, when: str = "1") -> str:
    return f"""create trigger {name} before {event} when {when}
begin
    select raise(abort, '{message}; nothing was changed');
end;"""


def _guards() -> list[str]:
    """What nobody may do by SQL: rewrite history, or move a ruleset past the lifecycle."""
    plain = "(select writing from control) = 0"
    guards = []
    for table in ("audit", "audit_seals"):
        for event in ("update", "delete"):
            guards.append(
                _refused(f"{table}_no_{event}", f"{event} on {table}", f"{table}: append-only, rows cannot be {event}d")
            )
        # OR REPLACE deletes without asking the triggers of DELETE.
        taken = f"exists (select 1 from {table} where id = new.id)"
        guards.append(_refused(f"{table}_no_replace", f"insert on {table}", f"{table}: append-only", taken))
    for table in ("threshold_versions", "list_versions", "ruleset_versions"):
        guards.append(_refused(f"{table}_no_delete", f"delete on {table}", f"{table}: history is kept"))
        guards.append(
            _refused(
                f"{table}_closed_once",
                f"update on {table}",
                f"{table}: history is kept as it was",
                "old.until_version is not null or new.until_version is null or new.id <> old.id "
                "or new.control_version <> old.control_version or new.valid_from <> old.valid_from "
                + ("or new.value <> old.value" if table != "ruleset_versions" else "or new.revision <> old.revision"),
            )
        )
    for table in ("rulesets", "ruleset_thresholds", "approvals"):
        for event in ("insert", "update", "delete"):
            message = f"{table}: changed by riskwave rules publish, approve, promote, retire or rollback"
            guards.append(_refused(f"{table}_no_{event}", f"{event} on {table}", message, plain))
    for event in ("insert", "delete", "update of rule, name, kind, min, max, unit, revision"):
        word = event.split()[0]
        message = "thresholds: only value, author and why are edited here; the rest comes from the published rule pack"
        guards.append(_refused(f"thresholds_no_{word}", f"{event} on thresholds", message, plain))
    guards.append(_refused("control_stays", "delete on control", "control: its one row stays"))
    guards.append(
        _refused(
            "control_version_grows",
            "update on control",
            "control: control_version only grows",
            "new.control_version < old.control_version",
        )
    )
    return guards


def _threshold_triggers() -> list[str]:
    number = "case when json_valid(new.value) then json_type(new.value) end"
    checks = [
        (
            f"new.kind = 'integer' and ({number} is not 'integer' or length(ltrim(new.value, '-')) > 18)",
            "a whole number is expected, such as 10, as kind says",
        ),
        (
            f"new.kind = 'number' and (coalesce({number} not in ('integer', 'real'), 1)"
            " or abs(cast(new.value as real)) > 1e300)",
            "a number is expected, such as 0.25, as kind says",
        ),
        ("new.kind = 'boolean' and new.value not in ('true', 'false')", "true or false is expected, as kind says"),
        ("typeof(new.value) <> 'text' or length(new.value) > 1000", "a text of 1000 characters at most is expected"),
        (
            "new.kind <> 'text' and new.value <> trim(new.value, char(32, 9, 10, 13))",
            "no spaces are expected around it",
        ),
        (
            "new.kind in ('integer', 'number') and cast(new.value as numeric) < new.min",
            "it is less than the least value allowed, which column min has",
        ),
        (
            "new.kind in ('integer', 'number') and cast(new.value as numeric) > new.max",
            "it is more than the most allowed, which column max has",
        ),
    ]
    # After, not before: only then has the column's affinity made 10 the text '10'.
    refusals = "\n".join(
        f"    select raise(abort, 'thresholds.value: {message}; nothing was changed') where {bad};"
        for bad, message in checks
    )
    key = "revision = new.revision and rule = new.rule and name = new.name"
    subject = "new.rule || '.' || new.name || '@' || new.revision"
    opened = f"""insert into threshold_versions
    (revision, rule, name, kind, value, control_version, valid_from, author, why)
    values (new.revision, new.rule, new.name, new.kind, new.value, {_VERSION}, {NOW}, {_who("new")}, {_why("new")});"""
    closed = f"""update threshold_versions set until_version = {_VERSION}, valid_to = {NOW}
    where {{key}} and until_version is null;"""
    return [
        f"create trigger thresholds_checked after update of value on thresholds\nbegin\n{refusals}\nend;",
        f"create trigger thresholds_added after insert on thresholds\nbegin\n{refusals}\n{_NEXT}\n{opened}\nend;",
        f"""create trigger thresholds_edited after update of value on thresholds
-- 1 and 1.0 are the same number.
when new.value <> old.value and (new.kind not in ('integer', 'number')
    or cast(new.value as numeric) <> cast(old.value as numeric))
begin
    {_NEXT}
    {closed.format(key=key)}
    {opened}
    {_audit("'threshold'", subject, "old.value", "new.value", "new")}
end;""",
        f"""create trigger thresholds_removed after delete on thresholds
begin
    {_NEXT}
    {closed.format(key=key.replace("new.", "old."))}
end;""",
        f"""create trigger thresholds_author_kept after update of author, why on thresholds
when new.author is not null or new.why is not null
begin
    update thresholds set author = null, why = null where {key};
end;""",
    ]


def _list_triggers() -> list[str]:
    address = "substr(new.value, 1, instr(new.value || '/', '/') - 1)"
    bits = "substr(new.value, instr(new.value || '/', '/') + 1)"
    octets = f"'[' || replace({address}, '.', ',') || ']'"
    # Four whole numbers up to 255, read as a JSON list. IPv6 is looked up by exact address: by its characters only.
    is_v4 = f"""case when {address} not glob '*[^0-9.]*' and json_valid({octets}) then
        json_array_length({octets}) = 4
        and not exists (select 1 from json_each({octets}) as e where e.type <> 'integer' or e.value > 255) else 0 end
        and (instr(new.value, '/') = 0
            or ({bits} not glob '*[^0-9]*' and length({bits}) between 1 and 2 and cast({bits} as integer) <= 32))"""
    is_v6 = "new.value glob '*:*:*' and new.value not glob '*[^0-9a-fA-F:.]*'"
    date = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*"
    checks = [
        (
            "new.list_name = '' or new.list_name glob '*[^a-z0-9_]*' or length(new.list_name) > 100",
            "list_entries.list_name: small letters, digits and _ are expected, such as block_ip",
        ),
        (
            "typeof(new.value) <> 'text' or trim(new.value, char(32, 9, 10, 13)) <> new.value or new.value = ''"
            " or length(new.value) > 1000",
            "list_entries.value: a text without spaces around it is expected",
        ),
        (
            "new.expires_at is not null and (typeof(new.expires_at) <> 'text'"
            f" or new.expires_at not glob '{date}' or datetime(new.expires_at) is null)",
            "list_entries.expires_at: a UTC time is expected, such as 2026-12-31 or 2026-12-31T18:00:00Z",
        ),
        (
            f"new.list_name glob '*_ip' and not ({is_v4}) and not ({is_v6})",
            "list_entries.value: an address or IPv4 network is expected in a list named *_ip, such as 203.0.113.0/24",
        ),
    ]
    refusals = "\n".join(
        f"    select raise(abort, '{message}; nothing was changed') where {bad};" for bad, message in checks
    )
    key = "list_name = {row}.list_name and value = {row}.value"
    entry = "json_object('value', {row}.value, 'reason', {row}.reason, 'expires_at', {row}.expires_at)"
    version = f"{_NEXT}\n    update control set lists_version = control_version;"
    closed = f"""update list_versions set until_version = {_VERSION}, valid_to = {NOW}
    where {key} and until_version is null;"""
    opened = f"""insert into list_versions
    (list_name, value, reason, expires_at, control_version, valid_from, author, why)
    values (new.list_name, new.value, new.reason, strftime('%Y-%m-%dT%H:%M:%fZ', new.expires_at), {_VERSION}, {NOW},
        {_who("new")}, {_why("new")});"""
    kept = f"""update list_entries set author = null, why = null
    where {key.format(row="new")} and (author is not null or why is not null);"""
    changed = (
        "new.list_name is not old.list_name or new.value is not old.value or new.reason is not old.reason "
        "or new.expires_at is not old.expires_at"
    )
    old, new = entry.format(row="old"), entry.format(row="new")
    return [
        f"""create trigger list_entries_added after insert on list_entries
begin
{refusals}
    {version}
    -- INSERT OR REPLACE has removed the entry before without a trigger.
    {closed.format(row="new")}
    {opened}
    {_audit("'list.add'", "new.list_name", "null", new, "new")}
    {kept}
end;""",
        f"""create trigger list_entries_edited after update of list_name, value, reason, expires_at on list_entries
when {changed}
begin
{refusals}
    {version}
    {closed.format(row="old")}
    {opened}
    {_audit("'list.edit'", "new.list_name", old, new, "new")}
end;""",
        f"""create trigger list_entries_author_kept after update of author, why on list_entries
when new.author is not null or new.why is not null
begin
    {kept}
end;""",
        f"""create trigger list_entries_removed after delete on list_entries
begin
    {version}
    {closed.format(row="old")}
    {_audit("'list.remove'", "old.list_name", old, "null")}
end;""",
    ]


def _ruleset_triggers() -> list[str]:
    active = "('shadow', 'canary', 'live')"
    opened = f"""insert into ruleset_versions (revision, state, share, control_version, valid_from, author, why)
    values (new.revision, new.state, new.share, {_VERSION}, {NOW}, {_who()}, {_why()});"""
    said = "case when {row}.share is null then {row}.state else {row}.state || ' ' || ({row}.share * 100) || '%' end"
    # A draft decides nothing: it takes no version.
    version = (
        "update control set control_version = control_version + (writing <> 2),"
        " writing = case writing when 1 then 2 else writing end where {when};"
    )
    return [
        f"""create trigger rulesets_added after insert on rulesets
begin
    {version.format(when=f"new.state in {active}")}
    {opened}
    {_audit("'ruleset'", "new.revision", "null", said.format(row="new"))}
end;""",
        f"""create trigger rulesets_moved after update of state, share on rulesets
when new.state is not old.state or new.share is not old.share
begin
    {version.format(when=f"new.state in {active} or old.state in {active}")}
    update ruleset_versions set until_version = {_VERSION}, valid_to = {NOW}
    where revision = new.revision and until_version is null;
    {opened}
    {_audit("'ruleset'", "new.revision", said.format(row="old"), said.format(row="new"))}
end;""",
    ]


def _settings_triggers() -> list[str]:
    return [
        _refused("settings_no_insert", "insert on settings", "settings: there are no others; update the value of one"),
        _refused("settings_no_delete", "delete on settings", "settings: each has a value; update it"),
        f"""create trigger settings_edited after update of name, value on settings
begin
    select raise(abort, 'settings: approvals is off or required; nothing was changed')
    where new.name <> 'approvals' or new.value not in ('off', 'required');
    {_audit("'setting'", "new.name", "old.value", "new.value", "new")}
end;""",
        """create trigger settings_author_kept after update of author, why on settings
when new.author is not null or new.why is not null
begin
    update settings set author = null, why = null where name = new.name;
end;""",
    ]

"""Regular expressions that mean the same to every engine, and that none takes long over."""

from __future__ import annotations

import re
from dataclasses import dataclass

from riskwave.errors import RiskwaveError

LONGEST = 200
MOST_REPEATS = 100
MOST_STATES = 2_000
_SPECIAL = set("\\.^$|?*+()[]{}")
_REPEAT = re.compile(r"\{(\d+)(,(\d*))?\}")


@dataclass
class _Parser:
    """Recursive descent over `a|b`, groups, classes, `.`, `^`, `$` and greedy repeats; nothing else."""

    text: str
    at: int = 0

    def parse(self) -> None:
        states, _ = self.alternatives()
        if self.at < len(self.text):
            raise RiskwaveError(f"has a ) too many at {self.at + 1}; remove it or write \\)")
        if states > MOST_STATES:
            raise RiskwaveError(f"is too large ({states} states, at most {MOST_STATES}); use smaller repeats")

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def alternatives(self) -> tuple[int, bool]:
        """States, and whether something in it repeats without end."""
        states, endless = self.sequence()
        while self.peek() == "|":
            self.at += 1
            more, also = self.sequence()
            states, endless = states + more, endless or also
        return states, endless

    def sequence(self) -> tuple[int, bool]:
        states, endless = 1, False
        while self.peek() not in ("", "|", ")"):
            more, also = self.repeated()
            states, endless = states + more, endless or also
        return states, endless

    def repeated(self) -> tuple[int, bool]:
        bare = self.peek() in "^$"
        states, endless = self.atom()
        mark = self.peek()
        if not mark or mark not in "*+?{":
            return states, endless
        if bare:
            raise RiskwaveError("repeats ^ or $; repeat what is beside it")
        most: int | None = 1
        if mark == "{":
            found = _REPEAT.match(self.text, self.at)
            if not found:
                raise RiskwaveError(f"has a {{ at {self.at + 1} that is no repeat such as {{2,5}}; write \\{{")
            low = int(found[1])
            most = low if not found[2] else int(found[3]) if found[3] else None
            if max(low, most or 0) > MOST_REPEATS:
                raise RiskwaveError(f"repeats {found[0]}; at most {MOST_REPEATS} times is allowed")
            if most is not None and most < low:
                raise RiskwaveError(f"repeats {found[0]}, which is reversed; write the smaller number first")
            self.at = found.end()
            states *= max(low, most or 0, 1)
        else:
            most = 1 if mark == "?" else None
            self.at += 1
        if most is None and endless:
            raise RiskwaveError("repeats a repeat without end, as (a+)+ does; write the inner one alone, as a+")
        if self.peek() and self.peek() in "*+?{":
            raise RiskwaveError(f"has two repeats in a row at {self.at + 1}; keep one")
        return states, endless or most is None

    def atom(self) -> tuple[int, bool]:
        mark = self.peek()
        self.at += 1
        if mark == "(":
            if self.peek() == "?":
                if self.text[self.at : self.at + 2] != "?:":
                    raise RiskwaveError("looks around, names a group or sets a flag with (?…; use plain groups ( )")
                self.at += 2
            inside = self.alternatives()
            if self.peek() != ")":
                raise RiskwaveError("has a ( that is not closed; add ) or write \\(")
            self.at += 1
            return inside
        if mark == "[":
            self.char_class()
        elif mark == "\\":
            self.escaped()
        elif mark in "*+?{":
            raise RiskwaveError(f"has nothing to repeat before {mark} at {self.at}; write \\{mark} for the character")
        elif mark in "]}":
            raise RiskwaveError(f"has a {mark} at {self.at} that closes nothing; write \\{mark}")
        return 1, False

    def escaped(self) -> str:
        mark = self.peek()
        if not mark or mark not in _SPECIAL | set("-/&~"):
            raise RiskwaveError(f"has \\{mark}, which engines take differently; write a class such as [0-9] or [a-z]")
        self.at += 1
        return mark

    def char_class(self) -> None:
        if self.peek() == "^":
            self.at += 1
        members = 0
        while self.peek() != "]":
            low = self.member()
            members += 1
            if self.peek() == "-" and self.text[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                if self.member() < low:
                    raise RiskwaveError(f"has a reversed range after {low} in a class; write the lower one first")
        if not members:
            raise RiskwaveError("has an empty class []; write what may stand there")
        self.at += 1

    def member(self) -> str:
        mark = self.peek()
        if not mark:
            raise RiskwaveError("has a [ that is not closed; add ] or write \\[")
        self.at += 1
        if mark == "\\":
            return self.escaped()
        if mark in "[&~^|-":
            # Some engines read them as sets of sets.
            raise RiskwaveError(f"has {mark} inside a class; write \\{mark}")
        return mark


def check_pattern(pattern: str) -> None:
    """Raise RiskwaveError, as `has …; do …`, for what engines take differently, or take long over."""
    if not pattern:
        raise RiskwaveError("is empty and matches everything; write what to look for")
    if len(pattern) > LONGEST:
        raise RiskwaveError(f"is too long ({len(pattern)} characters, at most {LONGEST}); split it into two with or")
    if not (pattern.isascii() and pattern.isprintable()):
        raise RiskwaveError("has characters outside printable ASCII; use plain letters")
    _Parser(pattern).parse()


def as_python(pattern: str) -> re.Pattern[str]:
    """The checked pattern for the reference: `$` is the end of the text, and not before a last newline."""
    out, at, inside = [], 0, False
    while at < len(pattern):
        mark = pattern[at]
        if mark == "\\":
            out.append(pattern[at : at + 2])
            at += 2
            continue
        if mark == "[" and not inside:
            inside = True
        elif mark == "]" and inside:
            inside = False
        out.append(r"\Z" if mark == "$" and not inside else mark)
        at += 1
    return re.compile("".join(out))

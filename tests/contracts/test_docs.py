from riskwave.contracts import CONTRACTS
from riskwave.contracts.docs import PAGE, page


def test_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "stale: run python -m riskwave.contracts.docs"


def test_page_has_every_field_of_every_contract() -> None:
    sections = page().split("\n## ")[1:]
    assert len(sections) == len(CONTRACTS)
    for section, (name, contract) in zip(sections, CONTRACTS.items(), strict=True):
        assert section.startswith(name)
        for field in contract.model_fields:
            assert f"| `{field}` |" in section

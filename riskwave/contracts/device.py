"""What is known of a device, as versioned rows."""

from riskwave.contracts.fields import IDENTIFIER, Contract, UtcTimestamp, optional, required


class Device(Contract):
    """One version of a device's facts: 15 fields, in force from valid_from until its next version."""

    device_id: str = required("Device the payments name", standard="EMV 3DS device information", **IDENTIFIER)
    valid_from: UtcTimestamp = required("Start of this version", unit="UTC")
    fingerprint: str | None = optional("Hash of what identifies the device", max_length=128)
    device_type: str | None = optional("phone, tablet, desktop, ...", standard="EMV 3DS deviceChannel", max_length=32)
    manufacturer: str | None = optional("Maker", max_length=64)
    model: str | None = optional("Model", standard="EMV 3DS device information C002", max_length=64)
    os: str | None = optional("Operating system", standard="EMV 3DS device information C003", max_length=32)
    os_version: str | None = optional(
        "Version of the operating system", standard="EMV 3DS device information C004", max_length=32
    )
    app_version: str | None = optional("Version of the bank's app", max_length=32)
    browser: str | None = optional("Browser", standard="EMV 3DS browserUserAgent", max_length=64)
    language: str | None = optional("Language tag", unit="BCP 47", standard="EMV 3DS browserLanguage", max_length=35)
    timezone_offset_minutes: int | None = optional(
        "Offset of the device's clock, east of UTC positive",
        unit="minutes",
        standard="EMV 3DS browserTZ (sign turned)",
        ge=-840,
        le=840,
    )
    is_emulator: bool | None = optional("Whether the device is emulated", standard="EMV 3DS SDK security warning SW02")
    is_rooted: bool | None = optional("Whether the device is rooted or jailbroken", standard="EMV 3DS SDK SW01")
    first_seen_at: UtcTimestamp | None = optional("When the issuer first saw the device", unit="UTC")

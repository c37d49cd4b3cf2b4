{# The fields of a contract by type, and which of them are required, as riskwave/contracts has them. #}
{% macro contract_fields(contract) -%}
{%- set contracts = {
    'label': {
        'types': {
            'event_id': 'text', 'verdict': 'text', 'arrived_at': 'timestamp', 'source': 'text', 'episode_id': 'text',
            'scenario': 'text',
        },
        'required': ['event_id', 'verdict', 'arrived_at'],
    },
    'card_profile': {
        'types': {
            'card_id': 'text', 'account_id': 'text', 'customer_id': 'text', 'valid_from': 'timestamp',
            'segment': 'text', 'risk_class': 'text', 'status': 'text', 'opened_at': 'timestamp', 'product': 'text',
            'home_country': 'text', 'home_city': 'text', 'home_latitude': 'double', 'home_longitude': 'double',
            'billing_currency': 'text', 'single_limit_minor': 'integer', 'daily_limit_minor': 'integer',
            'credit_limit_minor': 'integer', 'mean_amount_minor': 'integer', 'std_amount_minor': 'integer',
            'mean_daily_count': 'double', 'usual_radius_km': 'double', 'travels_abroad': 'boolean',
        },
        'required': ['card_id', 'valid_from'],
    },
    'device': {
        'types': {
            'device_id': 'text', 'valid_from': 'timestamp', 'fingerprint': 'text', 'device_type': 'text',
            'manufacturer': 'text', 'model': 'text', 'os': 'text', 'os_version': 'text', 'app_version': 'text',
            'browser': 'text', 'language': 'text', 'timezone_offset_minutes': 'integer', 'is_emulator': 'boolean',
            'is_rooted': 'boolean', 'first_seen_at': 'timestamp',
        },
        'required': ['device_id', 'valid_from'],
    },
} -%}
{{ return(contracts[contract]) }}
{%- endmacro %}

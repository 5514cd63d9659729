{{ staged_usage_rows('usage_rows') }}

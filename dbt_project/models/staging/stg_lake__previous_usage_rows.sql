{{ staged_usage_rows('previous_usage_rows') }}

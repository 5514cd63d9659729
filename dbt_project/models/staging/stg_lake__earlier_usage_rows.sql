{{ staged_usage_rows('earlier_usage_rows') }}

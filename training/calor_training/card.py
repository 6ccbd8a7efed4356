def card(*a, **k): return ""

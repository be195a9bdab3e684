"""The filters that every request passes before a handler sees it; `chain` holds their order."""

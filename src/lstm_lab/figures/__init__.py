"""Pictures drawn from plain tables; the only room that imports matplotlib."""

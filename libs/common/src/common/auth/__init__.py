"""Who is calling: people by the host product's JWT, services by short tokens of ours."""

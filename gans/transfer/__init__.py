"""Transfer: a run that begins with what another run has learnt."""

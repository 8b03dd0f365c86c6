"""Relations between the columns of a table: found, declared, and kept in generated rows."""

from gans.data.relations.base import Relation
from gans.data.relations.exclusions import exclusion_texts, find_exclusions
from gans.data.relations.grammar import parse_relation
from gans.data.relations.transform import Relations, find_relations

__all__ = ["Relation", "Relations", "exclusion_texts", "find_exclusions", "find_relations", "parse_relation"]

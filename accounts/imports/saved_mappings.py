"""Keeping a mapping under a name, so that next month's file needs no hand."""

from typing import Any

from django.utils.translation import gettext as _

from accounts.imports.mapping import NAME_LENGTH, parse_mapping
from accounts.imports.options import refusing
from accounts.imports.profiles import PROFILES
from accounts.models import SavedMapping, User
from crm.lib.exceptions import ImportRefused


def save_mapping(*, name: str, definition: dict[str, Any], user: User) -> SavedMapping:
    """Keep ``definition`` (as a mapping file has it); the same name again replaces one's own mapping.

    Raises ImportRefused: no name, the name of a built-in profile or of somebody else's mapping, a bad definition.
    """
    name = name.replace("\0", "").strip()
    if not name or len(name) > NAME_LENGTH:
        raise ImportRefused(_("Give the mapping a name of at most %(limit)s characters.") % {"limit": NAME_LENGTH})
    if name in PROFILES:
        raise ImportRefused(_("“%(name)s” is a built-in profile; choose another name.") % {"name": name})
    existing = SavedMapping.objects.filter(name=name).select_related("created_by").first()
    if existing is not None and existing.created_by != user and not user.is_superuser:
        owner = existing.created_by.display_name if existing.created_by else "–"
        raise ImportRefused(
            _("There is a mapping “%(name)s” by %(owner)s; choose another name.") % {"name": name, "owner": owner}
        )
    with refusing():
        mapping = parse_mapping({**definition, "name": name}, name=name)
    saved, _created = SavedMapping.objects.update_or_create(
        name=name,
        defaults={"definition": mapping.to_json()},
        create_defaults={"definition": mapping.to_json(), "created_by": user},
    )
    return saved

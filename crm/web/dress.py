"""The classes of the house on the widgets of a form."""

from django import forms


def dress(form: forms.BaseForm) -> None:
    """Give the widgets of a form the classes of the house, and tie errors and help to their field."""
    for name, field in form.fields.items():
        widget = field.widget
        if isinstance(
            widget, forms.CheckboxInput | forms.RadioSelect | forms.CheckboxSelectMultiple | forms.HiddenInput
        ):
            continue
        css = "form-select" if isinstance(widget, forms.Select) else "form-control"
        widget.attrs["class"] = f"{widget.attrs.get('class', '')} {css}".strip()
        if form.is_bound and name in form.errors:
            widget.attrs["aria-describedby"] = f"id_{name}_error"

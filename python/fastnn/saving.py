"""Files of models, and the classes of one's own that they name, in Keras's place for them."""

from fastnn._registry import (
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    register_keras_serializable,
)
from fastnn.models import load_model, save_model

CustomObjectScope = custom_object_scope

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "get_custom_objects",
    "get_registered_name",
    "load_model",
    "register_keras_serializable",
    "save_model",
]

"""The package name under which goalpath's layers are registered with Keras."""

from __future__ import annotations

from typing import Final

PACKAGE: Final = "goalpath"

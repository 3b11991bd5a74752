"""What a page may load and do: its own scripts, pictures that it makes itself, and the store of objects."""

from collections.abc import Sequence

PERMISSIONS = "camera=(self), geolocation=(), microphone=(), payment=(), usb=()"
"""The camera is for trying a network; nothing else of a device is anybody's business here."""


def content_policy(nonce: str, *, elsewhere: Sequence[str] = (), runs_networks: bool = False) -> str:
    """Return the Content-Security-Policy of a page.

    Args:
        nonce: Of this answer, which its scripts and style carry.
        elsewhere: Origins of the object store, where another product serves it.
        runs_networks: Whether the page may compile WebAssembly, which runs a network in the browser.
    """
    wasm = " 'wasm-unsafe-eval'" if runs_networks else ""
    rules = {
        "default-src": "'none'",
        "script-src": f"'nonce-{nonce}' 'strict-dynamic'{wasm}",
        "worker-src": "'self'",
        "style-src": f"'nonce-{nonce}'",
        "img-src": "'self' blob: data:",
        "media-src": "blob:",
        "connect-src": " ".join(["'self'", *elsewhere]),
        "manifest-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())

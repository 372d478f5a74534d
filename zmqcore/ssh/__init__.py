"""Connections through ssh: `tunnel_connection(socket, address, server)`."""

from .tunnel import openssh_tunnel as openssh_tunnel
from .tunnel import paramiko_tunnel as paramiko_tunnel
from .tunnel import ssh_tunnel as ssh_tunnel
from .tunnel import try_passwordless_ssh as try_passwordless_ssh
from .tunnel import tunnel_connection as tunnel_connection

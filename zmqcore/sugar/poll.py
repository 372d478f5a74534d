"""pyzmq's name for zmqcore.poll."""

from ..backend import zmq_poll as zmq_poll
from ..constants import POLLERR as POLLERR
from ..constants import POLLIN as POLLIN
from ..constants import POLLOUT as POLLOUT
from ..poll import Poller, select

__all__ = ["Poller", "select"]

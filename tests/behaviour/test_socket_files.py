"""The files of ipc paths: names of any length, owners and modes, and when they go."""
import os
import socket as plain
import stat
import sys

import pytest
from awaiting import Events, endpoint, until
from platforms import errno


def refuses(zmq, number, call, *arguments):
    with pytest.raises(zmq.ZMQError) as caught:
        call(*arguments)
    assert caught.value.errno == number, caught.value


LONG_PATHS = {
    "folder": "d" * 200 + "/s",
    "name": "n" * 200,
    "both": "d" * 200 + "/" + "e" * 255 + "/" + "n" * 255,
    "relative": "./" + "d" * 150 + "/s",
}


@pytest.mark.better  # ENAMETOOLONG
@pytest.mark.skipif(sys.platform != "linux", reason="no other system has a way")
@pytest.mark.parametrize("name", LONG_PATHS)
def test_END_61_ipc_paths_of_any_length(zmq, make, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    path = LONG_PATHS[name] if name == "relative" else f"{tmp_path}/{LONG_PATHS[name]}"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    where = f"ipc://{path}"
    pull, push = make("PULL"), make("PUSH", RECONNECT_IVL=10)
    events = Events(zmq, pull)
    push.connect(where)
    assert pull.bind(where).addr == where and endpoint(pull) == where
    assert os.listdir(os.path.dirname(path)) == [os.path.basename(path)]
    push.send(b"x")
    assert pull.recv() == b"x"
    assert events.wait("ACCEPTED")[2] == where
    refuses(zmq, errno.EADDRINUSE, make("PULL").bind, where)
    push.disconnect(where)
    pull.unbind(where)
    until(lambda: not os.path.exists(path))
    with plain.socket(plain.AF_UNIX) as dead, monkeypatch.context() as elsewhere:
        elsewhere.chdir(os.path.dirname(path))
        dead.bind("left")
        os.rename("left", os.path.basename(path))
    second = make("PULL")
    second.bind(where)
    push.connect(where)
    push.send(b"y")
    assert second.recv() == b"y"
    second.close()
    until(lambda: not os.path.exists(path))
    with open(path, "w") as file:
        file.write("precious")
    refuses(zmq, errno.EADDRINUSE, make("PULL").bind, where)
    assert open(path).read() == "precious"


@pytest.mark.better  # of zmqcore's own
@pytest.mark.skipif(os.name != "posix", reason="socket files have no mode here")
@pytest.mark.parametrize("mode", [0o600, 0o666, 0o2070])
def test_END_63_mode_of_a_socket_file(zmq, make, fresh, tmp_path, mode):
    for where in (fresh("ipc"), f"ipc://{tmp_path}/" + ("n" * 150 if sys.platform == "linux" else "n")):
        path = where.removeprefix("ipc://")
        pull, push = make("PULL", IPC_FILE_MODE=mode), make("PUSH")
        pull.bind(where)
        assert stat.S_IMODE(os.lstat(path).st_mode) == mode
        if os.geteuid() == 0:
            push.connect(where)
            push.send(b"x")
            assert pull.recv() == b"x"
        pull.close()
        until(lambda path=path: not os.path.exists(path))


@pytest.mark.better
@pytest.mark.skipif(os.name != "posix", reason="socket files have no owner here")
def test_END_63_owner_of_a_socket_file(zmq, make, fresh):
    where = fresh("ipc")
    path = where.removeprefix("ipc://")
    pull = make("PULL", IPC_FILE_UID=os.getuid() + 1, IPC_FILE_GID=os.getgid() + 1)
    if os.geteuid() == 0:
        pull.bind(where)
        found = os.lstat(path)
        assert (found.st_uid, found.st_gid) == (os.getuid() + 1, os.getgid() + 1)
    else:
        refuses(zmq, errno.EPERM, pull.bind, where)
        assert not os.path.exists(path)


@pytest.mark.better
@pytest.mark.skipif(sys.platform != "linux", reason="abstract names exist on Linux only")
def test_END_63_a_name_without_a_file_has_no_mode(zmq, make):
    pull = make("PULL", IPC_FILE_MODE=0o600)
    with pytest.raises(zmq.ZMQError, match="no owner and no mode") as caught:
        pull.bind(f"ipc://@zmqcore-mode-{os.getpid()}")
    assert caught.value.errno == errno.EINVAL
    pull.ipc_file_mode = -1
    pull.bind(f"ipc://@zmqcore-mode-{os.getpid()}")


@pytest.mark.better  # libzmq leaves the files of bound sockets that are closed: END-41
def test_END_41_a_file_whose_mode_was_changed_is_removed(zmq, make, fresh):
    where = fresh("ipc")
    path = where.removeprefix("ipc://")
    pull = make("PULL")
    pull.bind(where)
    changed = os.lstat(path).st_ctime
    # The file's clock ticks; what tells the file from another one must not.
    until(lambda: os.chmod(path, 0o666) or os.lstat(path).st_ctime >= int(changed) + 1)
    pull.close()
    until(lambda: not os.path.exists(path))

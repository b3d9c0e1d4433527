# act.py FOLDER LABEL STEP...: one process of a case, which does its steps one after the other and ends with 0.
#
# What it does and what befalls it goes to FOLDER/log, a line each: "pid label words". The first line of every
# process tells those variables of a command's environment that are set.
#
#   exit:N   kill:SIGNAL (itself)   sleep:S   pause   wait:FILE   touch:FILE   write:FILE:TEXT
#   ignore:SIGNAL,... | ignore:all   takes the signals and tells of them
#   on:SIGNAL:STEPS                  does STEPS (joined with "+") when the signal comes
#   send:TEXT                        sd_notify; ";" stands for the end of a line, {PID} for its own pid
#   store:NAME,...                   FDSTOREs a file for each name, whose content is the name
#   storeplain                       the same for one file without a name
#   stored                           tells the content and the names of the descriptors it was given
#   env:NAME,...                     tells variables;  has:NAME,...  tells only whether they are set
#   fork:LABEL:STEPS                 a child;  session:LABEL:STEPS  a child with a session of its own
#                                    (in the steps of a process that forks "/" joins those of its own child)
#   daemon:LABEL:STEPS               a grandchild with a session of its own, whose parent has ended
#   pidfile:FILE                     writes its own pid;  mainpid:LABEL  sends MAINPID= of that process
#   N?STEP                           the step only in the N-th run of the label;  N+?STEP  from the N-th on
import os
import signal
import sys
import time

FOLDER = sys.argv[1]
TELLING = ["SERVICE_RESULT", "EXIT_CODE", "EXIT_STATUS", "MAINPID", "MONITOR_SERVICE_RESULT", "MONITOR_EXIT_CODE",
           "MONITOR_EXIT_STATUS"]
NOT_CATCHABLE = (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD)

log_file = os.open(f"{FOLDER}/log", os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
label = sys.argv[2]
run = 1
depth = 0  # of forks


def log(words):
    os.write(log_file, f"{os.getpid()} {label} {words}\n".encode())


def read_log():
    with open(f"{FOLDER}/log") as file:
        return [line.rstrip().split(" ", 2) for line in file]


def take_label(name):
    global label, run
    label = name
    run = 1 + sum(1 for _, other, words in read_log() if other == label and words.startswith("start"))


def number(name):
    return signal.Signals[f"SIG{name}"]


def write_whole(name, text):
    path = f"{FOLDER}/{name}"
    with open(f"{path}.{os.getpid()}", "w") as file:
        file.write(text)
    os.rename(file.name, path)


def wait_for(condition):
    while not (value := condition()):
        time.sleep(0.01)
    return value


def notify(text, descriptors=()):
    import array  # Most processes of most cases need neither.
    import socket
    address = os.environ.get("NOTIFY_SOCKET")
    if address is None:
        log("has no NOTIFY_SOCKET")
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        message = text.replace(";", "\n").replace("{PID}", str(os.getpid()))
        sender.sendmsg([message.encode()], rights, 0, address.replace("@", "\0", 1))


def store(names):
    for name in names.split(","):
        file = os.memfd_create(name)
        os.write(file, name.encode())
        notify(f"FDSTORE=1;FDNAME={name}", [file])
        os.close(file)


def stored():
    count = int(os.environ.get("LISTEN_FDS", "0"))
    is_mine = os.environ.get("LISTEN_PID") == str(os.getpid())
    contents = [os.pread(3 + index, 100, 0).decode() for index in range(count)]
    log(f"stored {':'.join(contents)} named {os.environ.get('LISTEN_FDNAMES', '-')} mine {is_mine}")


def tell(number, _frame):
    log(f"got {signal.Signals(number).name[3:]}")


def branch(name, steps, forks, session):
    """A child, or with two forks a grandchild whose parent has ended, that does the steps and ends."""
    global depth
    ready, told = os.pipe()
    first = os.fork()
    if first == 0:
        if session:
            os.setsid()
        if forks == 2 and os.fork() != 0:
            os._exit(0)
        take_label(name)
        log("start")
        steps, depth = steps.replace("/", "+") if depth else steps, depth + 1
        # What it is to ignore, it ignores before anybody can know of it.
        if steps.startswith("ignore"):
            first_step, _, steps = steps.partition("+")
            step(first_step)
        os.write(told, b".")
        do(steps)
        os._exit(0)
    if forks == 2:
        os.waitpid(first, 0)
    os.read(ready, 1)
    os.close(ready)
    os.close(told)


def do(steps):
    for one in filter(None, steps.split("+")):
        step(one)


def step(text):
    if text[0].isdigit():
        when, _, text = text.partition("?")
        if not (run >= int(when[:-1]) if when.endswith("+") else run == int(when)):
            return
    word, _, value = text.partition(":")
    first, _, rest = value.partition(":")
    match word:
        case "exit":
            os._exit(int(value))
        case "kill":
            signal.signal(number(value), signal.SIG_DFL) if number(value) not in NOT_CATCHABLE else None
            os.kill(os.getpid(), number(value))
            time.sleep(60)
        case "sleep":
            time.sleep(float(value))
        case "pause":
            while True:
                signal.pause()
        case "wait":
            wait_for(lambda: os.path.exists(f"{FOLDER}/{value}"))
        case "touch":
            open(f"{FOLDER}/{value}", "w").close()
        case "write":
            write_whole(first, rest)
        case "ignore":
            names = [number(name) for name in value.split(",")] if value != "all" else signal.valid_signals()
            for one in set(names) - set(NOT_CATCHABLE):
                try:
                    signal.signal(one, tell)
                except OSError:
                    pass  # The C library keeps two of the real-time signals to itself.
        case "on":
            def act(received, _frame):
                tell(received, None)
                do(rest)
            signal.signal(number(first), act)
        case "send":
            notify(value)
        case "store":
            store(value)
        case "storeplain":
            file = os.memfd_create("plain")
            os.write(file, b"plain")
            notify("FDSTORE=1", [file])
        case "stored":
            stored()
        case "env":
            log(" ".join(f"{name}={os.environ.get(name, '-')}" for name in value.split(",")))
        case "has":
            log("has " + " ".join(name for name in value.split(",") if name in os.environ))
        case "fork":
            branch(first, rest, forks=1, session=False)
        case "session":
            branch(first, rest, forks=1, session=True)
        case "daemon":
            branch(first, rest, forks=2, session=True)
        case "pidfile":
            write_whole(value, f"{os.getpid()}\n")
        case "mainpid":
            pid = wait_for(lambda: [pid for pid, other, _ in read_log() if other == value])[-1]
            notify(f"MAINPID={pid}")
        case "log":
            log(value)
        case _:
            sys.exit(f"there is no step {text!r}")


signal.signal(signal.SIGINT, signal.SIG_DFL)
take_label(label)
steps = sys.argv[3:]
if steps and steps[0].startswith("ignore"):
    step(steps.pop(0))
log(" ".join(["start", *(f"{name}={os.environ[name]}" for name in TELLING if name in os.environ)]))
for one in steps:
    step(one)

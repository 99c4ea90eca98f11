"""measure.py RESULT COMMAND...: runs it and writes {"seconds", "processor", "memory", "status"} to RESULT.

A process of its own and a small one: a child's peak of memory begins with that of the process that made it.
"""
import os
import sys
import time

start = time.monotonic()
child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(child, 0)
seconds = time.monotonic() - start
with open(sys.argv[1], "w", encoding="ascii") as out:
    out.write('{"seconds": %f, "processor": %f, "memory": %d, "status": %d}\n' % (
        seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, os.waitstatus_to_exitcode(status)))

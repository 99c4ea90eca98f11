/* What the machine says of its power and network. */
#ifndef TIDEMILL_PODCAST_AUTOMATE_MACHINE_H
#define TIDEMILL_PODCAST_AUTOMATE_MACHINE_H

#include "podcast/automate.h"

/* From a folder in the form of Linux's /sys/class/power_supply (the kernel's Documentation/ABI/testing/
 * sysfs-class-power). Batteries of mice and the like do not count. What cannot be read counts as mains. */
void automate_power_read(const char *folder, struct automate_power *power);
/* From what macOS' `pmset -g batt` prints. */
void automate_power_pmset(const char *text, struct automate_power *power);

/* True if names can be looked up: one of `hosts` (names or addresses) has an address, or is known to have none. No host
 * to ask: true. Waits as long as the system's resolver does. */
bool automate_network_there(const char *const *hosts, size_t count);

#endif

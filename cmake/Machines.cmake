# machines/podcast-run.asl.json as a C array in the podcast room: the program carries the machine that it starts.
set(machine_text ${CMAKE_SOURCE_DIR}/machines/podcast-run.asl.json)
set(machine_array ${CMAKE_BINARY_DIR}/generated/podcast_run_machine.c)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${machine_text})
file(READ ${machine_text} machine_bytes HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," machine_bytes "${machine_bytes}")
file(CONFIGURE OUTPUT ${machine_array} @ONLY CONTENT [[
/* Made by cmake/Machines.cmake. */
#include "podcast/run_machine.h"

const char podcast_run_machine[] = {@machine_bytes@0};
const size_t podcast_run_machine_length = sizeof(podcast_run_machine) - 1;
]])
target_sources(tm_podcast PRIVATE ${machine_array})

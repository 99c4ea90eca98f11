# Each warning with its reason. Errors only in the presets that CI builds, so that a newer compiler never stops a user.
add_library(tidemill_flags INTERFACE)
target_compile_options(tidemill_flags INTERFACE
  -Wall -Wextra
  -Wconversion          # a silent narrowing of a length is how buffers overflow
  -Wshadow              # two things with one name
  -Wstrict-prototypes   # f() must say f(void)
  -Wmissing-prototypes  # what no header declares is static
  -Wcast-qual           # const is a promise
  -Wformat=2
  -Wvla                 # stack growth that outsiders could steer
  -Wpointer-arith
  -Wundef
  -fno-common
  -fstack-protector-strong)
if(TIDEMILL_WERROR)
  target_compile_options(tidemill_flags INTERFACE -Werror)
endif()
target_compile_definitions(tidemill_flags INTERFACE _GNU_SOURCE)
if(CMAKE_BUILD_TYPE MATCHES "Rel")
  target_compile_options(tidemill_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
if(TIDEMILL_SANITIZE)
  add_compile_options(-fsanitize=${TIDEMILL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TIDEMILL_SANITIZE})
endif()
if(TIDEMILL_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(TIDEMILL_COVERAGE)
  add_compile_options(--coverage -fprofile-update=atomic)
  add_link_options(--coverage)
endif()

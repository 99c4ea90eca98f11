# room(NAME DEPENDS...): the static library tm_NAME of all sources in this folder (and the folders below it).
# A room without sources yet is an empty interface, so that the layers stand from the first day.
function(room name)
  string(REPLACE "/" "_" target "tm_${name}")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.c)
  if(sources)
    add_library(${target} STATIC ${sources})
    target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(${target} PRIVATE tidemill_flags PUBLIC ${ARGN})
  else()
    add_library(${target} INTERFACE)
    target_link_libraries(${target} INTERFACE ${ARGN})
  endif()
endfunction()

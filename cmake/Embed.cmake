# The pages of console/ as C arrays in the http room: tools/embed writes them whenever a file there changed.
add_executable(embed ${CMAKE_SOURCE_DIR}/tools/embed/embed.c)
target_link_libraries(embed PRIVATE tidemill_flags tm_base PkgConfig::ZLIB)

file(GLOB site_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/console/site/* ${CMAKE_SOURCE_DIR}/console/flow/*)
set(site_table ${CMAKE_BINARY_DIR}/generated/asset_table.c)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/generated)
add_custom_command(OUTPUT ${site_table}
  COMMAND embed ${site_table} ${CMAKE_SOURCE_DIR}/console/site flow=${CMAKE_SOURCE_DIR}/console/flow
  DEPENDS embed ${site_files}
  COMMENT "Embedding the pages" VERBATIM)
target_sources(tm_http PRIVATE ${site_table})

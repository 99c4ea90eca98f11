# whisper::whisper, the speech engine: static libraries that tools/third-party/build-whisper.sh builds once for all presets.
# The script answers at once when they are there, so it is asked on every configure and a changed pin or flag is noticed.
set(whisper_script ${CMAKE_SOURCE_DIR}/tools/third-party/build-whisper.sh)
execute_process(COMMAND ${whisper_script} --prefix OUTPUT_VARIABLE WHISPER_PREFIX OUTPUT_STRIP_TRAILING_WHITESPACE
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${whisper_script} RESULT_VARIABLE whisper_failed)
if(whisper_failed)
  message(FATAL_ERROR "whisper.cpp could not be built; the lines above say why")
endif()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${whisper_script}
  ${CMAKE_SOURCE_DIR}/tools/third-party/package-lock.json)

foreach(name ggml-base ggml-cpu ggml whisper)
  add_library(whisper::${name} STATIC IMPORTED GLOBAL)
  set_target_properties(whisper::${name} PROPERTIES IMPORTED_LOCATION ${WHISPER_PREFIX}/lib/lib${name}.a)
endforeach()
# C++ and OpenMP inside, C outside: the program is linked by the C compiler (gcc or clang) and names gcc's runtimes itself.
target_link_libraries(whisper::ggml-base INTERFACE stdc++ gomp m Threads::Threads ${CMAKE_DL_LIBS})
target_link_libraries(whisper::ggml-cpu INTERFACE whisper::ggml-base)
target_link_libraries(whisper::ggml INTERFACE whisper::ggml-cpu whisper::ggml-base)
target_link_libraries(whisper::whisper INTERFACE whisper::ggml)
target_include_directories(whisper::whisper SYSTEM INTERFACE ${WHISPER_PREFIX}/include)

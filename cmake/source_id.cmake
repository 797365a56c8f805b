# LXCRI_COMMIT and LXCRI_COMMIT_TIME (in seconds since 1970): what these sources are. A source archive
# has it in the file source_id, where `git archive` has put it.
file(READ ${PROJECT_SOURCE_DIR}/cmake/source_id source_id)
if(source_id MATCHES "^([0-9a-f]+) ([0-9]+)")
  set(LXCRI_COMMIT ${CMAKE_MATCH_1})
  set(LXCRI_COMMIT_TIME ${CMAKE_MATCH_2})
else()
  set(LXCRI_COMMIT unknown)
  set(LXCRI_COMMIT_TIME 0)
  find_package(Git QUIET)
  if(GIT_FOUND)
    execute_process(
      COMMAND ${GIT_EXECUTABLE} describe --always --dirty --abbrev=12
      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
      OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    execute_process(
      COMMAND ${GIT_EXECUTABLE} log -1 --format=%ct
      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
      OUTPUT_VARIABLE time OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(described AND time)
      set(LXCRI_COMMIT ${described})
      set(LXCRI_COMMIT_TIME ${time})
    endif()
  endif()
endif()

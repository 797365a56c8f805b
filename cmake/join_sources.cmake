# A build from nothing without a cache of compilations spends most of its time on the same headers and
# templates again and again. With LXCRI_JOIN_SOURCES several sources are compiled as one: two thirds less
# processor time. It is not the default, because one change then compiles its neighbours too, and because
# it hides an include that a source has forgotten.
option(LXCRI_JOIN_SOURCES "compile several sources at once, and precompile the headers of the tests" OFF)

# lxcri_names_in(VARIABLE FILE): what FILE declares outside of classes and functions. clang-format puts
# that, and nothing else, at the beginning of a line. Members (Type::name) and macros do not count.
function(lxcri_names_in variable file)
  set(names)
  file(STRINGS ${file} lines REGEX "^[A-Za-z_]")
  foreach(line IN LISTS lines)
    if(line MATCHES "^(template|namespace|using namespace|using [^=]*$|typedef|TEST_CASE|TEMPLATE_)")
      continue()
    endif()
    string(REGEX REPLACE "([({=[]| :[^:]).*" "" head "${line}")
    if(head MATCHES "(^|[^A-Za-z0-9_:])([A-Za-z_][A-Za-z0-9_]*) *$")
      list(APPEND names ${CMAKE_MATCH_2})
    endif()
  endforeach()
  set(${variable} ${names} PARENT_SCOPE)
endfunction()

# lxcri_join_sources(TARGET): puts its sources into groups of up to eight. The sources of one group share
# their anonymous namespaces and using directives. So no two of them declare the same name, and all of
# them use the same namespaces.
function(lxcri_join_sources target)
  if(NOT LXCRI_JOIN_SOURCES)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  get_target_property(directory ${target} SOURCE_DIR)
  foreach(source IN LISTS sources)
    get_filename_component(path "${source}" ABSOLUTE BASE_DIR ${directory})
    if(NOT EXISTS ${path}) # it is generated
      continue()
    endif()
    lxcri_names_in(names ${path})
    file(STRINGS ${path} uses REGEX "^using namespace")
    foreach(candidate RANGE 99)
      set(group ${candidate})
      set(fits TRUE)
      if(size_${group} EQUAL 8 OR (DEFINED uses_${group} AND NOT "${uses_${group}}" STREQUAL "${uses}"))
        set(fits FALSE)
      endif()
      foreach(name IN LISTS names)
        if(DEFINED in_${group}_${name})
          set(fits FALSE)
        endif()
      endforeach()
      if(fits)
        break()
      endif()
    endforeach()
    foreach(name IN LISTS names)
      set(in_${group}_${name} TRUE)
    endforeach()
    set(uses_${group} "${uses}")
    math(EXPR size_${group} "0${size_${group}} + 1")
    set_property(SOURCE ${source} TARGET_DIRECTORY ${target} PROPERTY UNITY_GROUP ${target}_${group})
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()

# One set of flags for every target: language level, warnings, hardening.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# The libraries go into static programs and into lxcri-start, which is PIE.
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

# Where lxcri-start, lxcri-init and lxcri-hook are, seen from bin/lxcri: never an absolute path, so
# that an installed tree can be moved.
set(LXCRI_LIBEXEC_DIR "${CMAKE_INSTALL_LIBEXECDIR}/lxcri")

add_library(lxcri_options INTERFACE)
target_compile_definitions(lxcri_options INTERFACE _GNU_SOURCE LXCRI_VERSION="${PROJECT_VERSION}")

# Not every compiler has these for every architecture. clang only warns of those that it does not use.
include(CheckCXXCompilerFlag)
set(hardening)
set(CMAKE_REQUIRED_FLAGS -Werror)
foreach(flag -fstack-clash-protection -fcf-protection -mbranch-protection=standard)
  string(MAKE_C_IDENTIFIER "LXCRI_HAS${flag}" known)
  check_cxx_compiler_flag(${flag} ${known})
  if(${known})
    list(APPEND hardening ${flag})
  endif()
endforeach()
unset(CMAKE_REQUIRED_FLAGS)

target_compile_options(
  lxcri_options
  INTERFACE -Wall
            -Wextra
            -Wpedantic
            -Wconversion
            -Wswitch-enum
            -Wnon-virtual-dtor
            -Wold-style-cast
            -fstack-protector-strong
            ${hardening}
            -ffunction-sections
            -fdata-sections)
target_link_options(lxcri_options INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack,--gc-sections)
if(CMAKE_BUILD_TYPE MATCHES "Rel")
  target_compile_options(lxcri_options INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
if(NOT LXCRI_JOIN_SOURCES) # the names of a neighbour
  target_compile_options(lxcri_options INTERFACE -Wshadow)
endif()
if(LXCRI_WERROR)
  target_compile_options(lxcri_options INTERFACE -Werror)
endif()

# Sanitizers need a dynamic program; the static helpers are then built dynamic too.
if(LXCRI_SANITIZE)
  target_compile_options(lxcri_options INTERFACE -fsanitize=${LXCRI_SANITIZE}
                                                 -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(lxcri_options INTERFACE -fsanitize=${LXCRI_SANITIZE})
endif()

# lxcri_library(NAME LINKS...): the static library of the folder it is called in.
function(lxcri_library name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC lxcri_options ${ARGN})
  lxcri_join_sources(${name})
endfunction()

# lxcri_start_file(VARIABLE NAME): where the compiler has one of the C library's or its own.
function(lxcri_start_file variable name)
  set(sysroot)
  if(CMAKE_SYSROOT)
    set(sysroot --sysroot=${CMAKE_SYSROOT})
  endif()
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} ${sysroot} -print-file-name=${name} OUTPUT_VARIABLE path
                  OUTPUT_STRIP_TRAILING_WHITESPACE)
  set(${variable} ${path} PARENT_SCOPE)
endfunction()
foreach(name crt1 crti crtbegin crtend crtn)
  lxcri_start_file(LXCRI_${name} ${name}.o)
endforeach()

# The programs that can be seen in a container have to be static: what a loader maps could be changed
# from there.
if(NOT LXCRI_SANITIZE)
  include(CheckCXXSourceCompiles)
  set(CMAKE_REQUIRED_LINK_OPTIONS -static)
  check_cxx_source_compiles("#include <string>
int main(int argc, char** argv) { return std::string(argv[argc - 1]).empty(); }"
                            LXCRI_HAS_STATIC_LIBRARIES)
  unset(CMAKE_REQUIRED_LINK_OPTIONS)
  if(NOT LXCRI_HAS_STATIC_LIBRARIES)
    message(FATAL_ERROR "lxcri-init is a static program: the static C library and the static C++ "
                        "library have to be there (README.md names the packages)")
  endif()
endif()

# clang never makes a static program position-independent without being asked, and warns of this option.
set(LXCRI_no_pie)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(LXCRI_no_pie -no-pie)
endif()

# A program that starts quickly and runs in any root filesystem: no dynamic loader, no PIE.
#
# What -static takes by itself is crtbeginT.o, which registers the tables for exceptions as they
# are: the first exception then sorts them, for 0.8 ms. With crtbegin.o the sorted index is used
# that the linker makes, as in programs that are not static.
#
# noseparate-code: code and constants are one mapping, which saves ten page faults of 85. The constants
# can then be executed. That gives an attacker nothing that the code, at addresses that are known in a
# program that is not PIE, does not give.
function(lxcri_static_program target)
  if(NOT LXCRI_SANITIZE)
    target_link_options(
      ${target} PRIVATE -static ${LXCRI_no_pie} -nostartfiles -Wl,--eh-frame-hdr,-z,noseparate-code
                        ${LXCRI_crt1} ${LXCRI_crti} ${LXCRI_crtbegin})
    target_link_libraries(${target} PRIVATE ${LXCRI_crtend} ${LXCRI_crtn})
  endif()
endfunction()

# A program that starts quicker when it is static.
function(lxcri_quick_program target)
  if(LXCRI_STATIC)
    lxcri_static_program(${target})
  elseif(NOT LXCRI_SANITIZE)
    target_link_options(${target} PRIVATE -pie)
  endif()
endfunction()

# A program that needs the libraries of the system, and of those no more than it has to.
function(lxcri_dynamic_program target)
  if(NOT LXCRI_SANITIZE)
    target_link_options(${target} PRIVATE -pie)
    if(LXCRI_STATIC)
      target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc)
    endif()
  endif()
endfunction()

# Warnings, sanitizers and ccache for every target of the project.
add_library(expertoire_options INTERFACE)
# Contraction is off so that gcc and clang, and every optimisation level, round alike: a kernel
# that wants a fused multiply-add says so with an intrinsic.
target_compile_options(expertoire_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -ffp-contract=off)

if(EXPERTOIRE_SANITIZE)
  list(JOIN EXPERTOIRE_SANITIZE "," _sanitizers)
  target_compile_options(expertoire_options INTERFACE
    -fsanitize=${_sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(expertoire_options INTERFACE -fsanitize=${_sanitizers})
endif()

if(EXPERTOIRE_FUZZ)
  target_compile_options(expertoire_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(EXPERTOIRE_CCACHE ccache)
if(EXPERTOIRE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${EXPERTOIRE_CCACHE}")
endif()

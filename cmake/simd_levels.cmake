# Flags of each SIMD level's translation units (src/simd/<level>.cc, <level>_sparse.cc). Everything
# else is compiled for the baseline CPU. Not -march=native and not znver4: gcc 12 lacks it, and clang must agree.
if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  message(FATAL_ERROR "Expertoire is for x86-64; there are no kernels for ${CMAKE_SYSTEM_PROCESSOR}")
endif()
set(EXPERTOIRE_SIMD_FLAGS_avx2 -mavx2 -mfma -mf16c)
set(EXPERTOIRE_SIMD_FLAGS_avx512
    -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512vl -mavx512dq)
# gcc 12's own intrinsics headers trip these two warnings.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(EXPERTOIRE_SIMD_WARNINGS -Wno-uninitialized -Wno-maybe-uninitialized)
endif()
set(EXPERTOIRE_SIMD_FLAGS_avx512bf16 ${EXPERTOIRE_SIMD_FLAGS_avx512} -mavx512bf16)

function(expertoire_simd_flags directory)
  foreach(level avx2 avx512 avx512bf16)
    foreach(source "${directory}/${level}.cc" "${directory}/${level}_sparse.cc")
      if(EXISTS "${source}")
        set_source_files_properties("${source}" TARGET_DIRECTORY expertoire PROPERTIES
          COMPILE_OPTIONS "${EXPERTOIRE_SIMD_FLAGS_${level}};${EXPERTOIRE_SIMD_WARNINGS}")
      endif()
    endforeach()
  endforeach()
endfunction()

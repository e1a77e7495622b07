# libtorch from the PyTorch wheel of the test venv (scripts/python_env), for src/train/torch only.
# Not find_package(Torch): its flags and directories would reach everything that links to it.
set(EXPERTOIRE_TORCH_PYTHON "${CMAKE_SOURCE_DIR}/build/venv/bin/python" CACHE FILEPATH
    "A Python that has PyTorch")
execute_process(
  COMMAND "${EXPERTOIRE_TORCH_PYTHON}" -c
          "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
  OUTPUT_VARIABLE EXPERTOIRE_TORCH_FOLDER OUTPUT_STRIP_TRAILING_WHITESPACE
  RESULT_VARIABLE _failed)
if(_failed)
  message(FATAL_ERROR "EXPERTOIRE_TRAIN needs PyTorch: run scripts/python_env, or set "
                      "EXPERTOIRE_TORCH_PYTHON to a Python that has it")
endif()

# -idirafter: the wheel brings headers of its own fmt, which must not shadow ours.
add_library(expertoire_libtorch INTERFACE)
target_compile_options(expertoire_libtorch INTERFACE
  "SHELL:-idirafter ${EXPERTOIRE_TORCH_FOLDER}/include" -fopenmp)
# Each operator from its own header: ATen/Functions.h has all of them.
target_compile_definitions(expertoire_libtorch INTERFACE AT_PER_OPERATOR_HEADERS)
# libtorch.so brings the CUDA half where there is one, though no symbol of it is named. The wheel's
# own libgomp, so that there is one pool of threads: it has the system's name and is found first.
target_link_libraries(expertoire_libtorch INTERFACE
  "-Wl,--no-as-needed" "${EXPERTOIRE_TORCH_FOLDER}/lib/libtorch.so" "-Wl,--as-needed"
  "${EXPERTOIRE_TORCH_FOLDER}/lib/libtorch_cpu.so" "${EXPERTOIRE_TORCH_FOLDER}/lib/libc10.so"
  gomp)
target_link_options(expertoire_libtorch INTERFACE
  "-Wl,-rpath,${EXPERTOIRE_TORCH_FOLDER}/lib")

# The module for NVIDIA GPUs: fastnn/_cuda, apart from _core, which loads it only when asked to.
#   FASTNN_CUDA=ON        with nvcc: machine code for the architectures below, PTX for later ones
#   FASTNN_CUDA=EMULATED  the same sources as plain C++, on this processor: for tests

file(GLOB FASTNN_CUDA_SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/csrc/kernels/cuda/*.cu)
set(FASTNN_CUDA_MODULE ${CMAKE_SOURCE_DIR}/csrc/bindings/cuda/module.cpp)

if(FASTNN_CUDA STREQUAL "EMULATED")
  file(GLOB FASTNN_EMULATOR CONFIGURE_DEPENDS
    ${CMAKE_SOURCE_DIR}/csrc/kernels/cuda/emulated/*.cpp)
  set_source_files_properties(${FASTNN_CUDA_SOURCES} PROPERTIES LANGUAGE CXX)
  add_library(fastnn_cuda OBJECT ${FASTNN_CUDA_SOURCES})
  add_library(fastnn_emulator OBJECT ${FASTNN_EMULATOR})
  foreach(library fastnn_cuda fastnn_emulator)
    target_link_libraries(${library} PUBLIC fastnn_options)
    target_include_directories(${library} PRIVATE ${CMAKE_SOURCE_DIR}/csrc)
    target_compile_definitions(${library} PRIVATE FASTNN_EMULATED)
    # Threads of a block change stacks by longjmp, which the fortified one refuses.
    target_compile_options(${library} PRIVATE -U_FORTIFY_SOURCE)
  endforeach()
  # What the compiler inserts for ThreadSanitizer calls the emulator's checker: its library is not
  # linked.
  set(FASTNN_CHECKED -fsanitize=thread --param=tsan-distinguish-volatile=1
    --param=tsan-instrument-func-entry-exit=0 -fsanitize=undefined
    -fno-sanitize=vptr -g1 -O1)
  if(FASTNN_CUDA_CHECKED)
    target_compile_definitions(fastnn_cuda PRIVATE FASTNN_EMULATED_CHECKED)
    target_compile_definitions(fastnn_emulator PRIVATE FASTNN_EMULATED_CHECKED)
    target_compile_options(fastnn_cuda PRIVATE ${FASTNN_CHECKED})
    # Faults that it must find.
    add_executable(cuda_faults ${CMAKE_SOURCE_DIR}/tests/native/checked_faults.cpp
      $<TARGET_OBJECTS:fastnn_emulator>)
    target_include_directories(cuda_faults PRIVATE ${CMAKE_SOURCE_DIR}/csrc)
    target_compile_definitions(cuda_faults PRIVATE FASTNN_EMULATED FASTNN_EMULATED_CHECKED)
    target_compile_options(cuda_faults PRIVATE ${FASTNN_CHECKED})
    target_link_options(cuda_faults PRIVATE -fsanitize=undefined)
    target_link_libraries(cuda_faults PRIVATE fastnn_options ${CMAKE_DL_LIBS})
  endif()
else()
  # The toolkit of the system, or the one of NVIDIA's Python packages (nvidia-cuda-nvcc).
  if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
    file(GLOB FASTNN_NVCC ${Python_SITELIB}/nvidia/*/bin/nvcc)
    if(FASTNN_NVCC)
      list(GET FASTNN_NVCC -1 CMAKE_CUDA_COMPILER)
    endif()
  endif()
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80-real 90)
  endif()
  enable_language(CUDA)
  add_library(fastnn_cuda OBJECT ${FASTNN_CUDA_SOURCES})
  set_target_properties(fastnn_cuda PROPERTIES
    CUDA_STANDARD 17 CUDA_RUNTIME_LIBRARY Static POSITION_INDEPENDENT_CODE ON
    CUDA_VISIBILITY_PRESET hidden)
  # No contraction, as on the CPU: what is one fma is written as one.
  target_compile_options(fastnn_cuda PRIVATE --fmad=false -Xcompiler=-Wall,-Wextra)
  if(FASTNN_WERROR)
    target_compile_options(fastnn_cuda PRIVATE -Werror=all-warnings)
  endif()
endif()
target_include_directories(fastnn_cuda PRIVATE ${CMAKE_SOURCE_DIR}/csrc)

Python_add_library(_cuda MODULE WITH_SOABI ${FASTNN_CUDA_MODULE})
target_sources(_cuda PRIVATE $<TARGET_OBJECTS:fastnn_cuda>)
if(FASTNN_CUDA STREQUAL "EMULATED")
  target_sources(_cuda PRIVATE $<TARGET_OBJECTS:fastnn_emulator>)
endif()
if(FASTNN_CUDA_CHECKED)
  target_link_options(_cuda PRIVATE -fsanitize=undefined)
endif()
target_include_directories(_cuda PRIVATE ${CMAKE_SOURCE_DIR}/csrc)
target_link_libraries(_cuda PRIVATE fastnn_options ${CMAKE_DL_LIBS})
if(FASTNN_CUDA STREQUAL "EMULATED")
  set_target_properties(_cuda PROPERTIES LINKER_LANGUAGE CXX)
  target_compile_definitions(_cuda PRIVATE FASTNN_EMULATED)
else()
  # The runtime is linked in, and finds the driver when it is first asked for something.
  set_target_properties(_cuda PROPERTIES CUDA_RUNTIME_LIBRARY Static)
endif()
install(TARGETS _cuda DESTINATION fastnn)

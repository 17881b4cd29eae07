# find_package(fastnn CONFIG REQUIRED), with fastnn_DIR from
#   python -c "import fastnn; print(fastnn.get_cmake_dir())"
# gives fastnn::kernels: the folder of <fastnn/kernels.h>, for Python extensions in C and C++.
if(NOT TARGET fastnn::kernels)
  add_library(fastnn::kernels INTERFACE IMPORTED)
  get_filename_component(_fastnn_include "${CMAKE_CURRENT_LIST_DIR}/../include" ABSOLUTE)
  set_target_properties(fastnn::kernels PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${_fastnn_include}")
  unset(_fastnn_include)
endif()

// Convolution and its gradients.
#include "kernels/cpu/conv_weights.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

const Entry entries[] = {
    {"conv", DType::f32, conv<float, false>, nullptr, conv_workspace<float, false>},
    {"conv", DType::f64, conv<double, false>, nullptr, conv_workspace<double, false>},
    {"conv_input_grad", DType::f32, conv<float, true>, nullptr, conv_workspace<float, true>},
    {"conv_input_grad", DType::f64, conv<double, true>, nullptr, conv_workspace<double, true>},
    {"conv_kernel_grad", DType::f32, conv_kernel_grad<float>, nullptr, weights_workspace<float>},
    {"conv_kernel_grad", DType::f64, conv_kernel_grad<double>, nullptr, weights_workspace<double>},
};

}  // namespace

const EntryList convolution_list = {entries, sizeof(entries) / sizeof(entries[0])};

}  // namespace fastnn::kernels::FASTNN_ISA

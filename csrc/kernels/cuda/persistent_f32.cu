// Persistent programs in float32.
#include "kernels/cuda/persistent_commands.h"
#include "kernels/cuda/persistent_run.h"

namespace fastnn::kernels::cuda {

const PersistentKernel persistent_f32 = {
    commands_of_f32,
    shared_limit<CallablesF32>,
    run_program<CallablesF32>,
};

}  // namespace fastnn::kernels::cuda

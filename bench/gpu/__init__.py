"""What the device "cuda" does beside PyTorch and beside the machine's own limits.

    python -m bench.gpu                                  all of it, in less than six minutes
    python -m bench.gpu churn matmul --rounds 7          some parts
    python -m bench.gpu mnist_mlp --batches 32,256 --without compiled

On the machine with the GPU, in an environment that has fastnn with its module (`FASTNN_CUDA_BUILD`
names its folder where it lies apart) and PyTorch; where that is missing, fastnn is measured alone.
"""

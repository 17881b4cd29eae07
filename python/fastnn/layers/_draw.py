from fastnn import ops


def bernoulli(like, p, shape):
    return ops.random_bernoulli(None, p, like.dtype, like=like)


def normal(like, mean, std):
    return ops.random_normal(None, mean, std, like.dtype, like=like)

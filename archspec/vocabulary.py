"""Names from other tools, and what to write in archspec instead.

The hint for another tool's name is the equivalent here; only an unknown word gets the nearest spelling.  Words are
looked up without case, ``_`` and module: ``nn.MaxPool2d`` is ``maxpool2d``.  Text between backquotes can be copied into
a spec: tests check every form.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from archspec.diagnostics import did_you_mean

_MODULES = re.compile(r"(?:torch\.|tf\.|keras\.|nn\.|functional\.|layers\.|F\.|L\.)+")
_RANK = re.compile(r"[123]d\Z")


def op(word: str, known: Iterable[str]) -> str | None:
    """The hint for the name of an op or block that is not in ``known``; None if nothing is near."""
    known = sorted(known)
    folded = fold(word)
    bare = _RANK.sub("", folded)
    own = {fold(name): name for name in known}
    for spelt in (folded, bare):
        said = f"write `{own[spelt]}`" if spelt in own else _forms(OPS.get(spelt)) or ABSENT.get(spelt)
        if said is not None:
            return said
    return did_you_mean(word, known)


def argument(word: str, known: Collection[str]) -> str | None:
    """The hint for an argument that is not in ``known``; None if nothing is near."""
    same = same_argument(word, known)
    return f"write `{same}`" if same is not None else ADVICE.get(fold(word)) or did_you_mean(word, known)


def same_argument(word: str, known: Collection[str]) -> str | None:
    """The argument in ``known`` that has this name in another tool, or apart from case and ``_``."""
    folded = fold(word)
    own = {fold(name): name for name in known}
    return next((name for name in ARGUMENTS.get(folded, ()) if name in known), own.get(folded))


def function(word: str, known: Iterable[str]) -> str | None:
    """The hint for a function that expressions do not have; None if nothing is near."""
    return _forms(FUNCTIONS.get(word.lower())) or did_you_mean(word, known)


def key(word: str, known: Collection[str]) -> str | None:
    """The hint for a key of a spec, a block or a step that is not in ``known``; None if nothing is near."""
    return next((f"write `{name}`" for name in KEYS.get(fold(word), ()) if name in known), did_you_mean(word, known))


def fold(word: str) -> str:
    """A word in lower case, without ``_``, ``-`` and module."""
    return re.sub(r"[_\-\s]", "", _MODULES.sub("", word)).lower()


def _forms(forms: tuple[str, ...] | None) -> str | None:
    return f"write {' or '.join(f'`{form}`' for form in forms)}" if forms else None


def _table(rows: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """A table from words to what to write; a row has words with the same meaning, separated by spaces."""
    pairs = [(word, forms) for words, forms in rows.items() for word in words.split()]
    assert len(dict(pairs)) == len(pairs), "a word stands in two rows"
    return dict(pairs)


OPS = _table(
    {
        "dense fc fullyconnected innerproduct gemm lin": ("linear",),
        "convolution conv2dlayer spatialconvolution cnn": ("conv",),
        "pointwiseconv pointwise conv1x1": ("conv: {channels: 64, kernel: 1}",),
        "conv3x3": ("conv: {channels: 64, kernel: 3, padding: 1}",),
        "dilatedconv atrousconv": ("conv: {channels: 64, kernel: 3, dilation: 2, padding: 2}",),
        "groupconv groupedconv": ("conv: {channels: 64, kernel: 3, groups: 4}",),
        "depthwiseconv depthwise dwconv": (
            "conv: {channels: $(previous.channels), kernel: 3, groups: $(previous.channels)}",
        ),
        "separableconv sepconv dsconv": ("depthwise_separable",),
        "deconv deconvolution upconv transposedconv transposeconv convtransposed convolutiontranspose "
        "conv2dtranspose conv1dtranspose conv3dtranspose fractionallystridedconv": ("conv_transpose",),
        "convbn convbnact": ("conv_bn_relu", "conv_norm_act"),
        "pool pooling": ("max_pool", "avg_pool"),
        "maxpooling mp subsampling": ("max_pool",),
        "avgpooling averagepool averagepooling meanpool": ("avg_pool",),
        "gap globalavgpooling globalaveragepool globalaveragepooling globalpool globalpooling": ("global_avg_pool",),
        "gmp globalmaxpooling": ("global_max_pool",),
        "adaptiveaveragepool adaptiveavgpooling adaptiveaveragepooling": ("adaptive_avg_pool",),
        "bn batchnormalization batchnormalisation spatialbatchnorm syncbatchnorm syncbn": ("batch_norm",),
        "norm normalization normalisation": ("batch_norm", "layer_norm", "group_norm"),
        "ln layernormalization layernormalisation": ("layer_norm",),
        "gn groupnormalization groupnormalisation": ("group_norm",),
        "in instancenormalization instancenormalisation": ("instance_norm",),
        "localresponsenorm localresponsenormalization localresponsenormalisation": ("lrn",),
        "drop": ("dropout",),
        "dropout1d dropout2d dropout3d spatialdropout spatialdropout1d spatialdropout2d spatialdropout3d "
        "featuredropout": ("channel_dropout",),
        "droppath dropconnect": ("stochastic_depth",),
        "activation act nonlinearity": ("relu", "sigmoid"),
        "rectifier rectify rectifiedlinear": ("relu",),
        "lrelu leaky": ("leaky_relu",),
        "swish": ("silu",),
        "hswish": ("hardswish",),
        "hsigmoid": ("hardsigmoid",),
        "logistic": ("sigmoid",),
        "hyperbolictangent": ("tanh",),
        "plus elementwiseadd residual skipconnection": ("add",),
        "eltwise elementwise": ("add", "multiply"),
        "cat concatenate concatenation join route filterconcat depthconcat": ("concat",),
        "merge": ("concat", "add"),
        "mul times product hadamard elementwisemul": ("multiply",),
        "view": ("reshape",),
        "squeeze unsqueeze expanddims": ("reshape",),
        "transpose swapaxes moveaxis": ("permute",),
        "flat ravel": ("flatten",),
        "noop passthrough skip": ("identity",),
        "resize interpolate upsampling upscale unpool upsamplenearest upsamplingnearest": ("upsample",),
        "resizebilinear upsamplebilinear upsamplingbilinear": ("upsample: {scale: 2, mode: bilinear}",),
        "padding zeropad zeropadding constantpad": ("pad",),
        "reflectionpad reflectpad reflectionpadding mirrorpad": ("pad: {amount: 1, mode: reflect}",),
        "replicationpad replicatepad replicationpadding edgepad": ("pad: {amount: 1, mode: replicate}",),
        "circularpad circularpadding wrappad": ("pad: {amount: 1, mode: circular}",),
        "cropping centercrop centrecrop": ("crop",),
        "narrow": ("slice",),
        "stdconv scaledstdconv wsconv": ("standardized_conv: {channels: 64, kernel: 3}",),
        "spectralnorm snconv": ("spectral_conv: {channels: 64, kernel: 3}", "spectral_linear"),
        "snlinear": ("spectral_linear",),
        "bmm dot einsum": ("matmul",),
        "shuffle": ("channel_shuffle", "pixel_shuffle"),
        "depthtospace subpixel": ("pixel_shuffle",),
        "spacetodepth reorg": ("pixel_unshuffle",),
        "sub difference minus": ("subtract",),
        "max maxout": ("maximum",),
        "min": ("minimum",),
        "clip hardtanh": ("clamp: {min: 0, max: 1}",),
        "reducemean average": ("mean",),
        "absolute": ("abs",),
        "const constant weight variable tensor": ("parameter",),
        "se seblock selayer squeezeexcitation squeezeandexcitation squeezeandexcite": ("squeeze_excite",),
        "resblock residualblock resnetblock basicblock": ("residual_basic",),
        "bottleneck bottleneckblock": ("residual_bottleneck",),
        "inception inceptionmodule inceptionblock": ("inception_v1",),
        "firemodule": ("fire",),
        "sequential seq container stack": ("sequence",),
        "group steplist": ("steps",),
        "share shared tied reuseweights": ("reuse",),
    }
)
"""What to write for another tool's name of an op or block; each form is a valid step."""

_NONE = "archspec has no such op"
_TOKENS = "it reads tokens, which `flatten` from the height on and `permute` make of a map"

ABSENT = {
    **dict.fromkeys(("deformconv", "deformableconv", "dcn"), f"{_NONE}: `conv` reads at fixed places"),
    **dict.fromkeys(("roialign", "roipool", "nms"), f"{_NONE}: `adaptive_avg_pool` and `crop` take no boxes"),
    **dict.fromkeys(("mha", "selfattention", "transformer"), f"write `multihead_attention`; {_TOKENS}"),
    **dict.fromkeys(("scaleddotproductattention", "sdpa"), f"write `attention`; {_TOKENS}"),
    **dict.fromkeys(
        ("spatialtransformer", "stn", "warp", "remap", "gridsampler"),
        "write `affine_grid` for the places, and `grid_sample` to read there",
    ),
    **dict.fromkeys(("rnn", "recurrent", "bilstm", "blstm", "convlstm"), f"write `lstm` or `gru`; {_TOKENS}"),
    "embedding": f"{_NONE}: what it reads are numbers, not places in a table",
    **dict.fromkeys(("celu", "softsign", "logsigmoid"), f"{_NONE}: `archspec list ops` shows the others"),
    **dict.fromkeys(("glu",), f"{_NONE}: it is a `multiply` of one `chunk` and the `sigmoid` of another"),
    **dict.fromkeys(("rmsnorm", "weightnorm"), f"{_NONE}: there are `layer_norm` and `group_norm`"),
    **dict.fromkeys(("alphadropout",), f"{_NONE}: there are `dropout` and `channel_dropout`"),
}
"""Hints for ops that archspec does not have and whose nearest spelling would be misleading."""

ARGUMENTS = _table(
    {
        "outchannels outputchannels filters numfilters nfilters outplanes planes nf c ch width numoutput "
        "features outfeatures units neurons nout out": ("channels", "features"),
        "outdim numunits classes numclasses hidden numfeatures": ("features", "channels"),
        "channels": ("features",),
        "kernelsize ksize k filtersize filter poolsize window windowsize receptivefield": ("kernel",),
        "size": ("kernel", "amount"),
        "strides s subsample step": ("stride",),
        "pad pads p paddings amount": ("padding", "amount"),
        "padding": ("amount",),
        "dilations dilationrate atrous d": ("dilation",),
        "rate": ("dilation", "p"),
        "outputpad": ("output_padding",),
        "group numgroups ngroups g cardinality": ("groups",),
        "usebias biasterm withbias hasbias": ("bias",),
        "probability prob dropprob droprate dropoutrate dropoutratio dropout ratio": ("p",),
        "epsilon": ("eps",),
        "elementwiseaffine learnable scaleandshift": ("affine",),
        "runningstats trackstats": ("track_running_stats",),
        "dim axes": ("axis", "axes"),
        "dims axis perm order permutation normalizedshape": ("axes", "axis"),
        "scalefactor factor upscale upscalefactor downscalefactor": ("scale", "by", "factor"),
        "keepdims keep": ("keepdim",),
        "minvalue minval low": ("min",),
        "maxvalue maxval high": ("max",),
        "scale multiplier gain": ("by",),
        "outputsize outsize targetsize": ("size",),
        "localsize depthradius n": ("size",),
        "method interpolation paddingmode": ("mode",),
        "like reference sizeof": ("to",),
        "ceilmode": ("ceil",),
        "countincludepadding includepad": ("count_include_pad",),
        "slope leak negslope": ("negative_slope",),
        "alpha": ("negative_slope",),
        "newshape targetshape": ("shape",),
        "startdim startaxis begin": ("start",),
        "enddim endaxis": ("end",),
        "splitsize sections unflattenedsize": ("sizes", "chunks"),
        "numchunks parts": ("chunks",),
        "fill": ("value",),
        "numparameters": ("per_channel",),
        "act nonlinearity activationfn actlayer": ("activation",),
        "normlayer normalization": ("norm",),
        "numheads nheads nhead": ("heads",),
        "returnindices": ("indices",),
        "hiddensize statesize": ("features",),
        "numlayers": ("layers",),
        "poweriterations npoweriterations numiterations": ("iterations",),
        "transposed transposeb transb": ("transpose",),
    }
)
"""Arguments by another tool's name; the first that the op has is meant."""

_INFERRED = "leave it out: what a step reads says how many channels come in"
_INIT = "`init` says how weights start: `- conv: {channels: 64, kernel: 3, init: kaiming_normal}`"
_MOVED = "leave it out: the module is moved and cast as a whole, as any torch module is"

ADVICE = {
    **dict.fromkeys(("embeddim", "dmodel", "kdim", "vdim"), _INFERRED),
    **dict.fromkeys(("batchfirst",), "leave it out: the batch comes first"),
    **dict.fromkeys(("inchannels", "inputchannels", "infeatures", "inplanes", "inputdim", "indim"), _INFERRED),
    **dict.fromkeys(("numfeatures", "numchannels", "inputshape", "cin", "inchans"), _INFERRED),
    **dict.fromkeys(
        ("activation", "act", "nonlinearity", "activationfn", "relu"), "an activation is a step of its own: `- relu`"
    ),
    **dict.fromkeys(
        ("norm", "normlayer", "normalization", "batchnorm", "bn"),
        "a normalisation is a step of its own: `- batch_norm as bn`",
    ),
    **dict.fromkeys(("dropout", "droprate"), "dropout is a step of its own: `- dropout: {p: 0.5}`"),
    "paddingmode": "padding with anything but zeros is a step before it: `- pad: {amount: 1, mode: reflect}`",
    **dict.fromkeys(("kernelinitializer", "weightinit", "initializer", "weightfiller", "biasinitializer"), _INIT),
    **dict.fromkeys(("name", "id"), "`as` names a step: `- relu as rectified`"),
    **dict.fromkeys(("kernelh", "kernelw"), "one number for each axis, height first: `- max_pool: {kernel: [3, 5]}`"),
    **dict.fromkeys(
        ("strideh", "stridew"), "one number for each axis, height first: `- max_pool: {kernel: 3, stride: [2, 1]}`"
    ),
    **dict.fromkeys(
        ("padh", "padw"), "one number for each axis, height first: `- max_pool: {kernel: 3, padding: [1, 0]}`"
    ),
    **dict.fromkeys(("keepprob", "keepprobability"), "`p` is the probability of zero, 1 less that of keeping"),
    **dict.fromkeys(("bias", "usebias", "center"), "scale and bias are learnt together, or neither: `affine`"),
    **dict.fromkeys(("kernelsize", "kernel", "stride", "padding"), "leave it out: the op has no windows of its own"),
    "inplace": "leave it out: it changes no value",
    **dict.fromkeys(
        ("returnindices", "divisoroverride", "addbiaskv", "addzeroattn", "recomputescalefactor"),
        "leave it out: the op has torch's default, and no other",
    ),
    **dict.fromkeys(("device", "dtype", "dataformat", "memoryformat"), _MOVED),
}
"""Hints for arguments that no op has."""

FUNCTIONS = _table(
    {
        "int integer": ("floor(x)", "round(x)"),
        "trunc": ("floor(x)",),
        "float": ("x * 1.0",),
        "sqrt": ("x ** 0.5",),
        "pow": ("x ** 2",),
        "exp": ("2.718281828 ** x",),
        "log ln": ("log2(x) * 0.693147181",),
        "log10": ("log2(x) / log2(10)",),
        "divmod": ("n // 2", "n % 2"),
        "mod": ("n % 2",),
        "mean avg average": ("sum(values) / len(values)",),
        "list tuple array": ("[v for v in values]",),
        "map": ("[v * 2 for v in values]",),
        "filter": ("[v for v in values if v > 1]",),
        "any": ("len([v for v in values if v > 1]) > 0",),
        "all": ("len([v for v in values if v > 1]) == len(values)",),
        "bool": ("x > 0",),
        "makedivisible rounddivisible roundto": ("divisible(x, 8)",),
    }
)
"""What to write in an expression instead of a missing function; `x`, `n` and `values` are placeholders."""

KEYS = _table(
    {
        "layers network model backbone body architecture": ("steps",),
        "input bottom": ("from", "inputs"),
        "inputs": ("from",),
        "output": ("outputs",),
        "parameters args arguments variables config": ("params",),
        "include imports uses": ("import",),
        "modules functions definitions": ("blocks",),
        "description docs comment": ("doc",),
        "paper url reference": ("source",),
        "base inherits parent": ("extends",),
        "criterion objective": ("loss",),
        "size inputsize imagesize": ("sizes",),
        "checks assert claims": ("expect",),
        "locals vars where": ("let",),
        "if condition": ("when",),
        "times count n repeats": ("repeat",),
        "foreach loop": ("for",),
        "tag id alias": ("label",),
        "initializer weightinit": ("init",),
    }
)
"""Keys of a spec, a block and a step by another word; the first that may stand there is meant."""

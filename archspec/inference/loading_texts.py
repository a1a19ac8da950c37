"""The texts that load a network for inference and prepare it for the sizes it runs at."""

LOADING = '''\
def from_state_dict(state: dict[str, Tensor]) -> {entry}:
    """The network with the weights of the plain form, or with its own as it saved them."""
    with torch.device("meta"):  # the weights come from `state`
        network = {entry}()
    modules = dict(network.named_modules())
    folding = {path for path, module in modules.items() if isinstance(module, FOLDS)}
    if state.keys() == network.state_dict().keys():  # its own
        folding = set()
    for path in folding:
        modules[path].fold(state, path)
    own = [key for key in network.state_dict() if key.rpartition(".")[0] not in folding]
    rest = {key: state[key].detach().clone() for key in own}
    network.load_state_dict(rest, strict=False, assign=True)
    return network.requires_grad_(False).eval()PRECISION
'''
LOADING_PLAIN = '''\
def from_state_dict(state: dict[str, Tensor]) -> {entry}:
    """The network with the weights of the plain form, ready to run."""
    network = {entry}()
    network.load_state_dict({key: state[key] for key in network.state_dict()})
    return network.requires_grad_(False).eval()PRECISION
'''
PREPARE = '''\
def prepare(network: {entry}, *inputs: Tensor) -> {entry}:
    """The network with its weights in the order that is fastest for these sizes.

    It runs once to see the sizes inside. Others stay right, and are slower.
    """

    def pack(module: nn.Module, given: tuple[Tensor, ...]) -> None:
        if isinstance(module, Packed):
            module.pack(tuple(given[0].shape))

    hooks = [module.register_forward_pre_hook(pack) for module in network.modules()]
    with torch.inference_mode():
        network(*inputs)
    for hook in hooks:
        hook.remove()
    return network


def unpack(network: {entry}) -> {entry}:
    """The network with its weights in torch's own order again, as `torch.export` needs."""
    for module in network.modules():
        if isinstance(module, Packed):
            module.weight, module.packed = module.plain(), None
    return network
'''
CAPTURED = '''\
class Captured(nn.Module):
    """A network as CUDA graphs, one for each size of its inputs, each a single launch.

    The answer lies where the last one for the same sizes lay; clone what has to last.
    """

    def __init__(self, network: {entry}) -> None:
        super().__init__()
        self.network = network
        self.graphs: dict[tuple[torch.Size, ...], tuple] = {}

    def forward(self, *inputs: Tensor) -> Tensor:
        sizes = tuple(each.shape for each in inputs)
        if sizes not in self.graphs:
            self.graphs[sizes] = self.capture(inputs)
        graph, places, answer = self.graphs[sizes]
        for place, each in zip(places, inputs, strict=True):
            place.copy_(each)
        graph.replay()
        return answer

    def capture(self, inputs: tuple[Tensor, ...]) -> tuple:
        """Record what the network launches for inputs of these sizes."""
        places = [each.cuda().clone() for each in inputs]
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.inference_mode():
            with torch.cuda.stream(aside):
                for _ in range(3):  # cuDNN chooses its kernels in the first runs
                    self.network(*places)
            torch.cuda.current_stream().wait_stream(aside)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                answer = self.network(*places)
        return graph, places, answer


def prepare(network: {entry}, *inputs: Tensor) -> Captured:
    """The network on the GPU, channels last, captured for inputs of these sizes."""
    torch.backends.cudnn.benchmark = True
    captured = Captured(network).cuda().eval()
    for module in network.modules():
        if isinstance(module, Layer) and module.weight.dim() == 4:
            module.weight = module.weight.contiguous(memory_format=torch.channels_last)
    captured(*inputs)
    return captured
'''

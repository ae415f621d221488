"""The inference service that weir-infer replaces, as small as it can be and stay what it is: FastAPI, pydantic and PyTorch behind
gunicorn, one network 352-64-64-32, a dot product with all items, the best n in no order, nothing masked. Ids are row numbers.

    WEIR_WEIGHTS=DIR gunicorn replaced:app -w 4 -k uvicorn.workers.UvicornWorker
"""
import os
from pathlib import Path
from typing import List

import numpy
import torch
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

WEIGHTS = Path(os.environ["WEIR_WEIGHTS"])


def array(name):
    return torch.from_numpy(numpy.load(WEIGHTS / f"{name}.npy"))


class Actor(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.ModuleList(torch.nn.Linear(i, o) for i, o in ((352, 64), (64, 64), (64, 32)))
        with torch.no_grad():
            for k, layer in enumerate(self.layers, 1):
                layer.weight.copy_(array(f"w{k}"))
                layer.bias.copy_(array(f"b{k}"))

    def forward(self, x):
        return self.layers[2](torch.relu(self.layers[1](torch.relu(self.layers[0](x)))))


class Question(BaseModel):
    user: List[int]
    item: List[List[int]]
    n_rec: int


app = FastAPI()
users, items, actor = array("users"), array("items"), Actor().eval()


@app.post("/{algorithm}")
async def recommend(algorithm: str, q: Question):
    if algorithm != "ddpg":
        raise HTTPException(status_code=404, detail="wrong algorithm.")
    with torch.no_grad():
        state = torch.cat([users[q.user], items[torch.tensor(q.item)].flatten(1)], 1)
        scores = actor(state) @ items.T
        return torch.topk(scores, q.n_rec, sorted=False).indices.tolist()

"""Who has the credentials of deploy/ can do his work and nothing else."""
import agree
import logs
import service as inference
from weir import CONSUMERS, DONE


def test_42_the_rights_of_deploy_suffice(guarded, secured, service, tmp_path):
    """TLS, SCRAM, ACLs and roles everywhere: the whole pipeline, from the making of its topics on."""
    guarded.settings["infer.url"] = service.url
    log = logs.write(tmp_path / "log.csv", logs.spoiled(logs.rows_of(logs.make(401, 1500)), 401))
    assert secured.start(guarded, "replay", log).wait() == DONE
    for name in CONSUMERS:
        secured.start(guarded, name, instance=0)
    agree.everything(guarded, answer=inference.answer)
    status = secured.start(guarded, "status", "--sums")
    assert status.wait() == DONE, status.log

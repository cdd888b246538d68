document.getElementById("post-to-idp").submit();
